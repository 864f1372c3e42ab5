"""Requests to a SCIM URL to which an administrator has added an endpoint, such as ``.../scim/v2/Users``.

The identity provider adds its own path to such a URL, so requests come to ``/Users/Users`` or
``/Users/scim/v2/Users``. No valid path looks like that: ids are UUIDs, and never the name of an endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from scim.protocol.schema import ResourceType

_SEARCH = ".search"
_BASE = ("scim", "v2")
_ENDPOINTS = ("Groups", "Me", "Bulk", "Schemas", "ResourceTypes", "ServiceProviderConfig")


@dataclass(frozen=True, slots=True)
class MisplacedEndpoint:
    """The ``endpoint`` that the SCIM URL ends in by mistake, and the path that was ``meant`` behind the right one."""

    endpoint: str
    meant: list[str]


def split_misplaced_endpoint(segments: list[str], resource_types: tuple[ResourceType, ...]) -> MisplacedEndpoint | None:
    """Return what a path has too much and what is left of it.

    ``None`` for a path that does not begin with an endpoint, or has no other one behind it.
    """
    if len(segments) < 2:
        return None
    names = (*(each.endpoint.strip("/") for each in resource_types), *_ENDPOINTS)
    endpoints = {name.lower(): name for name in names}
    first, *others = [segment.lower() for segment in segments]
    if first not in endpoints and first != _SEARCH:
        return None
    behind = next((number for number, name in enumerate(others, 1) if name in _BASE or name in endpoints), None)
    if behind is None:
        return None
    while behind < len(segments) and segments[behind].lower() in _BASE:
        behind += 1
    return MisplacedEndpoint(endpoints.get(first, _SEARCH), segments[behind:])
