"""All routes, for the function that receives every path. This includes endpoints that Muster does not support."""

from __future__ import annotations

import re
from http import HTTPStatus

from handlers.http.response import Response
from handlers.http.routes import Endpoint, EndpointHandler, RequestContext, discovery, resources
from scim.protocol.errors import InvalidVersion, NotSupported, Rule
from scim.protocol.list_response import render_list_response
from scim.protocol.schema import ResourceType

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)*")


def find_endpoint(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    """Return the endpoint at a path. Raise :class:`InvalidVersion` for a path to another version of SCIM."""
    match [segment.lower() for segment in segments]:
        case [version, *_] if _VERSION.fullmatch(version):
            raise InvalidVersion("Only SCIM 2.0 is supported. The SCIM URL ends in /scim/v2.")
        case ["bulk"]:
            # Rarely needed: bulk requests go to their own function, unless the SCIM URL is wrong.
            from handlers.http.routes import bulk

            return bulk.find_endpoint(segments, resource_types)
        case ["groups", *rest]:
            return _build_groups_endpoint(rest)
        case ["me", *_]:
            return Endpoint("Me", dict.fromkeys(_METHODS, _reject_me))
    return discovery.find_endpoint(segments, resource_types) or resources.find_endpoint(segments, resource_types)


def _build_groups_endpoint(rest: list[str]) -> Endpoint:
    """Return the endpoint of groups.

    Groups are not supported, but listing them returns an empty list: some identity providers list groups to test the
    connection.
    """
    list_handler: dict[str, EndpointHandler] = (
        {"GET": lambda _: Response(HTTPStatus.OK, render_list_response(0, [], start_index=1))} if not rest else {}
    )
    return Endpoint("Groups", dict.fromkeys(_METHODS, _reject_groups) | list_handler)


def _reject_groups(_: RequestContext) -> Response:
    raise NotSupported(
        "Groups are not supported. Turn group provisioning (group push, the mapping of groups) off in the identity "
        "provider. Users are provisioned without it.",
        rule=Rule.GROUPS_ENDPOINT,
    )


def _reject_me(_: RequestContext) -> Response:
    raise NotSupported(
        "/Me is not supported, because the token belongs to an identity provider and not to a user.",
        rule=Rule.ME_ENDPOINT,
    )
