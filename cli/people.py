"""``users``, ``participants``: who is there."""

from collections.abc import Iterator
from typing import Any

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, require_tenant
from cli.deployment import LONG_READ_S
from cli.progress import show_progress
from scim.protocol.stored_values.unserved import hide_unserved
from scim.service.model.stored_resource import StoredResource

_COLUMNS = ("ID", "USER NAME", "ACTIVE", "SINCE", "NAME", "EMAIL", "MODIFIED")


@click.command(
    epilog="""\b
Examples:
  muster users acme
  muster users acme --json > users.json
"""
)
@click.argument("tenant")
@json_option
@deployment_options
def users(tenant: str, json: bool) -> None:
    """List the users of TENANT."""
    _list(tenant, active_only=False, json=json)


@click.command(
    epilog="""\b
Examples:
  muster participants acme
  muster participants acme --json | jq -r '.[].userName'
"""
)
@click.argument("tenant")
@json_option
@deployment_options
def participants(tenant: str, json: bool) -> None:
    """List who takes part: the active users of TENANT."""
    _list(tenant, active_only=True, json=json)


def _list(tenant: str, *, active_only: bool, json: bool) -> None:
    administration = get_deployment().administration(LONG_READ_S)
    settings = require_tenant(administration, tenant)
    store = administration.tenant_store
    (resource_type,) = settings.resource_types
    total, _ = store.count_users(tenant)
    read = show_progress(store.list_users(tenant), "Users", total)
    found = (stored for stored in read if not active_only or stored.resource.get("active") is True)
    if json:
        output.print_json_array(
            {**hide_unserved(stored.resource, resource_type), "meta": _meta(stored)} for stored in found
        )
    else:
        output.print_table(_COLUMNS, map(_row, found))


def _meta(stored: StoredResource) -> dict[str, str]:
    """Return what SCIM calls ``meta``, and since when the user is active or inactive."""
    version = f'W/"{stored.version}"'
    return {
        "created": stored.created,
        "lastModified": stored.modified,
        "version": version,
        "activeSince": stored.active_since,
    }


def _row(stored: StoredResource) -> list[str]:
    user = stored.resource
    name = user.get("displayName") or user.get("name", {}).get("formatted") or " ".join(_names(user.get("name", {})))
    active = "yes" if user.get("active") is True else "no"
    return [stored.id, user["userName"], active, stored.active_since, name, _email(user), stored.modified]


def _names(name: dict[str, Any]) -> Iterator[str]:
    return (name[part] for part in ("givenName", "familyName") if part in name)


def _email(user: dict[str, Any]) -> str:
    """The primary one, else the first."""
    emails = sorted(user.get("emails", []), key=lambda email: email.get("primary") is not True)
    return next((email["value"] for email in emails if "value" in email), "")
