"""Detect a wrong SCIM URL in the identity provider, to which the identity provider appends the path of each request.

- The SCIM URL ends in an endpoint, such as ``.../scim/v2/Users``. So requests arrive at ``/Users/Users`` or
  ``/Users/scim/v2/Users``. No valid path looks like that: the second segment is an id, and ids are UUIDs.
- The SCIM URL has a query, such as ``.../scim/v2/?aadOptscim062020``. So requests arrive with their path in the query:
  ``/scim/v2/?aadOptscim062020/Users?filter=...``. Without this check, it would be a query of all users. No parameter
  but a filter contains the path of an endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from scim.protocol.errors import ScimError, ScimUrlWithQuery, WrongScimUrl
from scim.protocol.schema import ResourceType

_SEARCH = ".search"
_BASE = ("scim", "v2")
_ENDPOINTS = ("Groups", "Me", "Bulk", "Schemas", "ResourceTypes", "ServiceProviderConfig")
_PATH_END = re.compile(r"[?&#=]")


@dataclass(frozen=True, slots=True)
class MisplacedEndpoint:
    """A request to a wrong SCIM URL: the segments of the path that the client meant.

    ``endpoint`` is the endpoint at the end of the SCIM URL. It is ``None`` if the SCIM URL has a query.
    """

    intended_segments: list[str]
    endpoint: str | None = None

    def build_error(self, base_url: str) -> ScimError:
        """Return the error for the request. ``base_url`` is the correct SCIM URL."""
        if self.endpoint is None:
            return ScimUrlWithQuery(
                "The SCIM URL in the identity provider is wrong: it has a query, such as ?aadOptscim062020, and the "
                f"identity provider appends its paths to this query. Set it to {base_url}."
            )
        return WrongScimUrl(
            f"The SCIM URL in the identity provider is wrong: it ends in /{self.endpoint}. Set it to {base_url}."
        )


def find_misplaced_endpoint(
    segments: list[str], raw_query_string: str, resource_types: tuple[ResourceType, ...]
) -> MisplacedEndpoint | None:
    """Return what the client meant by a request to a wrong SCIM URL, ``None`` if the SCIM URL is not wrong."""
    if not raw_query_string and len(segments) < 2:  # such as POST /Users
        return None
    names = (*(resource_type.endpoint.strip("/") for resource_type in resource_types), *_ENDPOINTS)
    endpoints = {name.lower(): name for name in names}
    return _find_in_query(raw_query_string, endpoints) or _find_in_path(segments, endpoints)


def _find_in_path(segments: list[str], endpoints: dict[str, str]) -> MisplacedEndpoint | None:
    """Return the endpoint at the end of the wrong SCIM URL, and the path without it.

    Return ``None`` if the path is not wrong in this way: it does not begin with an endpoint, or no second endpoint
    follows.
    """
    if len(segments) < 2:
        return None
    first, *others = [segment.lower() for segment in segments]
    if first not in endpoints and first != _SEARCH:
        return None
    start = next((number for number, name in enumerate(others, 1) if name in _BASE or name in endpoints), None)
    if start is None:
        return None
    while start < len(segments) and segments[start].lower() in _BASE:
        start += 1
    return MisplacedEndpoint(segments[start:], endpoints.get(first, _SEARCH))


def _find_in_query(raw_query_string: str, endpoints: dict[str, str]) -> MisplacedEndpoint | None:
    """Return the path in a query string, ``None`` if it contains no path of an endpoint."""
    for path in _list_paths(raw_query_string):
        segments = [segment for segment in path.split("/") if segment]
        for number, name in enumerate(segments):
            if name.lower() in endpoints or name.lower() == _SEARCH:
                return MisplacedEndpoint(segments[number:])
    return None


def _list_paths(raw_query_string: str) -> Iterator[str]:
    """Yield the part of each parameter, other than a filter, that looks like a path: from its first slash on."""
    for parameter in raw_query_string.split("&"):
        _, slash, path = unquote_plus(parameter).partition("/")
        if slash and not parameter.lower().startswith("filter="):
            yield _PATH_END.split(path, maxsplit=1)[0]
