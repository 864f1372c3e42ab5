"""Detect a wrong SCIM URL in the identity provider that ends in an endpoint, such as ``.../scim/v2/Users``.

The identity provider appends the path of each request to that URL. So requests arrive at ``/Users/Users`` or
``/Users/scim/v2/Users``. No valid path looks like that: the second segment is an id, and ids are UUIDs.
"""

from __future__ import annotations

from dataclasses import dataclass

from scim.protocol.schema import ResourceType

_SEARCH = ".search"
_BASE = ("scim", "v2")
_ENDPOINTS = ("Groups", "Me", "Bulk", "Schemas", "ResourceTypes", "ServiceProviderConfig")


@dataclass(frozen=True, slots=True)
class MisplacedEndpoint:
    """The ``endpoint`` at the end of the wrong SCIM URL, and the segments of the path that the client meant."""

    endpoint: str
    intended_segments: list[str]


def split_misplaced_endpoint(segments: list[str], resource_types: tuple[ResourceType, ...]) -> MisplacedEndpoint | None:
    """Return the endpoint at the end of the wrong SCIM URL, and the path without it.

    Return ``None`` if the path is not wrong in this way: it does not begin with an endpoint, or no second endpoint
    follows.
    """
    if len(segments) < 2:
        return None
    names = (*(resource_type.endpoint.strip("/") for resource_type in resource_types), *_ENDPOINTS)
    endpoints = {name.lower(): name for name in names}
    first, *others = [segment.lower() for segment in segments]
    if first not in endpoints and first != _SEARCH:
        return None
    start = next((number for number, name in enumerate(others, 1) if name in _BASE or name in endpoints), None)
    if start is None:
        return None
    while start < len(segments) and segments[start].lower() in _BASE:
        start += 1
    return MisplacedEndpoint(endpoints.get(first, _SEARCH), segments[start:])
