"""People as pages list them, and finding them by a part of their name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scim.protocol.leniency import Dialect
from scim.protocol.messages import SearchRequest
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import StoredResource
from scim.service.ports import ResourceStore
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import parse_query

_NAMES = ("userName", "displayName", "name.formatted", "name.givenName", "name.familyName", "emails.value")


def search_by_name(
    store: ResourceStore, resource_type: ResourceType, text: str, count: int
) -> Sequence[StoredResource]:
    """Those whose name or address contains ``text``.

    Raises :class:`scim.protocol.errors.TooMany` where there are too many users to look through.
    """
    wanted = " or ".join(f"{name} co {json.dumps(text)}" for name in _NAMES)
    query = parse_query(
        SearchRequest(filter=wanted), resource_type, Dialect(strict=True), ResourceRenderer(resource_type, "")
    )
    return store.find(replace(query, count=count)).page


def full_name(user: Mapping[str, Any]) -> str:
    """What a person is called."""
    name = user.get("name", {})
    parts = (name[part] for part in ("givenName", "familyName") if part in name)
    return user.get("displayName") or name.get("formatted") or " ".join(parts)


def primary_email(user: Mapping[str, Any]) -> str:
    """The primary email, else the first."""
    emails = sorted(user.get("emails", []), key=lambda email: email.get("primary") is not True)
    return next((email["value"] for email in emails if "value" in email), "")
