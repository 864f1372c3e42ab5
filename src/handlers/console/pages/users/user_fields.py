"""The fields of a user in the list and in CSV files."""

from __future__ import annotations

from typing import Any

from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.model.stored_resource import StoredResource


def describe_user(stored: StoredResource) -> dict[str, Any]:
    """Return the fields of a user that the pages and the CSV files show."""
    user = stored.resource
    return {
        "id": stored.id,
        "userName": user["userName"],
        "externalId": user.get("externalId", ""),
        "name": get_full_name(user),
        "email": get_primary_email(user),
        "state": stored.state,
        "activeSince": stored.active_since,
        "created": stored.created,
        "lastModified": stored.modified,
    }
