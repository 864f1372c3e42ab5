"""Find users by an identifier or by a part of their name, and get the name and email to display for a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.filter.ast import ComparisonOperator
from scim.protocol.schema import ResourceType
from scim.service.limits import MAX_RESULTS
from scim.service.model.stored_resource import StoredResource
from scim.service.ports import ResourceStore
from scim.service.resources.search import build_search

_SEARCHED_ATTRIBUTES = (
    "userName",
    "displayName",
    "name.formatted",
    "name.givenName",
    "name.familyName",
    "emails.value",
)


def find_by_identifier(
    user_store: ResourceStore, resource_type: ResourceType, identifier: str
) -> Sequence[StoredResource]:
    """Return the users who have the identifier as userName, externalId, email or id."""
    names = (resource_type.unique_attribute.name, "externalId", "emails.value", "id")
    return user_store.find(build_search(names, ComparisonOperator.EQ, identifier, resource_type, MAX_RESULTS)).page


def search_by_name(
    user_store: ResourceStore, resource_type: ResourceType, text: str, count: int
) -> Sequence[StoredResource]:
    """Return at most ``count`` users whose name or email contains ``text``.

    Raise :class:`scim.protocol.errors.TooMany` if the tenant has too many users to scan.
    """
    query = build_search(_SEARCHED_ATTRIBUTES, ComparisonOperator.CO, text, resource_type, count)
    return user_store.find(query).page


def get_full_name(user: Mapping[str, Any]) -> str:
    """Return the display name, else the formatted name, else the given and family name; empty if there is none."""
    name = user.get("name", {})
    parts = (name[part] for part in ("givenName", "familyName") if part in name)
    return user.get("displayName") or name.get("formatted") or " ".join(parts)


def get_primary_email(user: Mapping[str, Any]) -> str:
    """Return the primary email, else the first email; empty if there is none."""
    emails = sorted(user.get("emails", []), key=lambda email: email.get("primary") is not True)
    return next((email["value"] for email in emails if "value" in email), "")
