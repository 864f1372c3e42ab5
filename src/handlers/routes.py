"""What is served where: a path leads to an endpoint, an endpoint has an operation for each of its methods.

An operation takes an :class:`Exchange` and is a few lines: read, call the use case, answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handlers.http import Request, Response, no_content
from scim.protocol.errors import Forbidden, InvalidCount, InvalidValue, InvalidVersion, NotImplementedHere
from scim.protocol.messages import SearchRequest, list_response, parse_message, read_message
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.service.bulk import Bulk
from scim.service.context import Context
from scim.service.discovery import Discovery
from scim.service.limits import MAX_RESULTS
from scim.service.ports import Store
from scim.service.preconditions import Preconditions
from scim.service.resources import Resources
from scim.service.search import Search, show
from scim.service.stored import Presentation, Stored, encode

_PROJECTION = frozenset({"attributes", "excludedattributes"})
_QUERY = frozenset({"filter", "sortby", "sortorder", "startindex", "count", "cursor"}) | _PROJECTION
_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of a known tenant, and what is needed to answer it."""

    request: Request
    context: Context
    resource_types: tuple[ResourceType, ...]
    store: Callable[[ResourceType], Store]
    report: Callable[[Exception], None]

    @property
    def preconditions(self) -> Preconditions:
        return Preconditions.parse(self.request.header("if-match"), self.request.header("if-none-match"))

    @property
    def discovery(self) -> Discovery:
        return Discovery(self.context.tenant, self.resource_types, self.context.base_url)

    def resources(self, resource_type: ResourceType) -> Resources:
        return Resources(resource_type, self.store(resource_type), self.context)

    def presentation(self, resource_type: ResourceType) -> Presentation:
        return Presentation(resource_type, self.context.base_url)

    def projection(self, resource_type: ResourceType) -> Projection:
        named = self.request.parameters(_PROJECTION)
        attributes, excluded = (_listed(named.get(name)) for name in ("attributes", "excludedattributes"))
        return parse_projection(attributes, excluded, resource_type, self.context.dialect)


Operation = Callable[[Exchange], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``name`` is what log lines call it, together with the method."""

    name: str
    operations: Mapping[str, Operation]


def find(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    """The endpoint that a path leads to; its literal parts have no case. Raises :class:`InvalidVersion`."""
    match [segment.lower() for segment in segments]:
        case [version, *_] if _VERSION.fullmatch(version):
            raise InvalidVersion("Only version 2 of SCIM is served: the SCIM URL ends in /scim/v2.")
        case []:
            return Endpoint("Root", {"GET": lambda exchange: _query(exchange, resource_types[0])})
        case [".search"]:
            return Endpoint("Root.search", {"POST": lambda exchange: _search(exchange, resource_types[0])})
        case ["bulk"]:
            return Endpoint("Bulk", {"POST": _bulk})
        case ["groups", *rest]:
            return _groups(rest)
        case ["me", *_]:
            return Endpoint("Me", dict.fromkeys(_METHODS, _me))
    return find_discovery(segments) or _find_resource(segments, resource_types)


def find_discovery(segments: list[str]) -> Endpoint | None:
    """The discovery endpoint that a path leads to: all that the discovery function serves."""
    match [segment.lower() for segment in segments]:
        case ["serviceproviderconfig"]:
            return _document("ServiceProviderConfig", lambda discovery: discovery.service_provider_config())
        case ["resourcetypes"]:
            return _documents("ResourceTypes", lambda discovery: discovery.all_resource_types())
        case ["resourcetypes", name]:
            return _document("ResourceType", lambda discovery: discovery.resource_type(name))
        case ["schemas"]:
            return _documents("Schemas", lambda discovery: discovery.all_schemas())
        case ["schemas", urn]:
            return _document("Schema", lambda discovery: discovery.schema(urn))
    return None


def _find_resource(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    endpoint, *rest = segments
    kind = next((each for each in resource_types if each.endpoint.strip("/").lower() == endpoint.lower()), None)
    match kind, rest:
        case ResourceType(), []:
            operations: dict[str, Operation] = {
                "GET": lambda exchange: _query(exchange, kind),
                "POST": lambda exchange: _create(exchange, kind),
            }
            return Endpoint(f"{kind.name}s", operations)
        case ResourceType(), [search] if search.lower() == ".search":
            return Endpoint(f"{kind.name}s.search", {"POST": lambda exchange: _search(exchange, kind)})
        case ResourceType(), [resource_id]:
            operations = {
                "GET": lambda exchange: _get(exchange, kind, resource_id),
                "PUT": lambda exchange: _replace(exchange, kind, resource_id),
                "PATCH": lambda exchange: _patch(exchange, kind, resource_id),
                "DELETE": lambda exchange: _delete(exchange, kind, resource_id),
            }
            return Endpoint(kind.name, operations)
    return None


def _create(exchange: Exchange, kind: ResourceType) -> Response:
    projection = exchange.projection(kind)
    stored = exchange.resources(kind).create(exchange.request.json(), exchange.preconditions)
    location = {"Location": exchange.presentation(kind).location(stored.id)}
    return _resource(exchange, kind, stored, projection, HTTPStatus.CREATED, location)


def _get(exchange: Exchange, kind: ResourceType, resource_id: str) -> Response:
    projection, preconditions = exchange.projection(kind), exchange.preconditions
    stored = exchange.resources(kind).get(resource_id, preconditions)
    if preconditions.matches_none(stored.version):
        return Response(HTTPStatus.NOT_MODIFIED, headers={"ETag": stored.etag})
    return _resource(exchange, kind, stored, projection)


def _replace(exchange: Exchange, kind: ResourceType, resource_id: str) -> Response:
    projection = exchange.projection(kind)
    stored = exchange.resources(kind).replace(resource_id, exchange.request.json(), exchange.preconditions)
    return _resource(exchange, kind, stored, projection)


def _patch(exchange: Exchange, kind: ResourceType, resource_id: str) -> Response:
    projection = exchange.projection(kind)
    stored = exchange.resources(kind).patch(resource_id, exchange.request.json(), exchange.preconditions)
    preferences = (exchange.request.header("prefer") or "").lower().split(",")
    if "return=minimal" in (preference.partition(";")[0].strip() for preference in preferences):
        return no_content({"ETag": stored.etag, "Preference-Applied": "return=minimal"})
    return _resource(exchange, kind, stored, projection)


def _delete(exchange: Exchange, kind: ResourceType, resource_id: str) -> Response:
    exchange.resources(kind).delete(resource_id, exchange.preconditions)
    return no_content()


def _resource(
    exchange: Exchange,
    kind: ResourceType,
    stored: Stored,
    projection: Projection,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = show(stored, projection, exchange.presentation(kind))
    return Response(status, body, {"ETag": stored.etag, **(headers or {})})


def _query(exchange: Exchange, kind: ResourceType) -> Response:
    parameters = exchange.request.parameters(_QUERY)
    members: dict[str, Any] = dict(parameters)
    for name in _PROJECTION & parameters.keys():
        members[name] = _listed(parameters[name])
    for name in {"startindex", "count"} & parameters.keys():
        members[name] = _integer(name, parameters[name], parameters)
    return _run_search(exchange, kind, parse_message(SearchRequest, members))


def _search(exchange: Exchange, kind: ResourceType) -> Response:
    return _run_search(exchange, kind, read_message(SearchRequest, exchange.request.json(), exchange.context.dialect))


def _run_search(exchange: Exchange, kind: ResourceType, request: SearchRequest) -> Response:
    client = exchange.request.header("user-agent") or ""
    answer = Search(kind, exchange.store(kind), exchange.context, client).run(request)
    return Response(HTTPStatus.OK, answer.body, log={"plan": answer.plan})


def _bulk(exchange: Exchange) -> Response:
    resources = {each.endpoint.strip("/").lower(): exchange.resources(each) for each in exchange.resource_types}
    answer = Bulk(resources, exchange.context, exchange.report).run(exchange.request.json())
    return Response(HTTPStatus.OK, encode(answer), log={"operations": len(answer["Operations"])})


def _groups(rest: list[str]) -> Endpoint:
    """Groups are not served, but a connection test that lists them must pass."""
    empty: dict[str, Operation] = (
        {"GET": lambda _: Response(HTTPStatus.OK, list_response(0, [], start_index=1))} if not rest else {}
    )
    return Endpoint("Groups", dict.fromkeys(_METHODS, _no_groups) | empty)


def _no_groups(_: Exchange) -> Response:
    raise NotImplementedHere(
        "Groups are not supported yet: turn group provisioning (group push, the mapping of groups) off in the identity "
        "provider; users are provisioned without it."
    )


def _me(_: Exchange) -> Response:
    raise NotImplementedHere("/Me is not supported: the token stands for an identity provider and not for a user.")


def _document(name: str, document: Callable[[Discovery], dict[str, Any]]) -> Endpoint:
    def show_document(exchange: Exchange) -> Response:
        _refuse_filter(exchange)
        return Response(HTTPStatus.OK, encode(document(exchange.discovery)))

    return Endpoint(name, {"GET": show_document})


def _documents(name: str, documents: Callable[[Discovery], list[dict[str, Any]]]) -> Endpoint:
    def show_documents(exchange: Exchange) -> Response:
        _refuse_filter(exchange)
        shown = [encode(document) for document in documents(exchange.discovery)]
        return Response(HTTPStatus.OK, list_response(len(shown), shown, start_index=1))

    return Endpoint(name, {"GET": show_documents})


def _refuse_filter(exchange: Exchange) -> None:
    """RFC 7644 section 4: these are shown whole, and 403 tells a client that its filter did nothing."""
    if exchange.request.parameters(frozenset({"filter"})):
        raise Forbidden("Discovery documents can't be filtered: ask without filter.")


def _listed(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _integer(name: str, text: str, parameters: Mapping[str, str]) -> int:
    if not _INTEGER.fullmatch(text):
        wrong = InvalidCount if name == "count" and "cursor" in parameters else InvalidValue
        raise wrong(f"{name} must be a whole number; a page has at most {MAX_RESULTS} resources.")
    return int(text)


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
