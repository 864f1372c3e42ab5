"""The commands ``users`` and ``active-users``."""

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.progress import show_progress
from scim.protocol.stored_values.nonconforming import hide_nonconforming
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.model.stored_resource import StoredResource

_COLUMNS = ("ID", "USER NAME", "ACTIVE", "SINCE", "NAME", "EMAIL", "MODIFIED")


@click.command(
    epilog="""\b
Examples:
  muster users acme
  muster users acme --json > users.json
"""
)
@tenant_argument
@json_option
@deployment_options
def users(tenant_id: str, json: bool) -> None:
    """List the users of a tenant."""
    _print_users(tenant_id, only_active=False, json=json)


@click.command(
    epilog="""\b
Examples:
  muster active-users acme
  muster active-users acme --json | jq -r '.[].userName'
"""
)
@tenant_argument
@json_option
@deployment_options
def active_users(tenant_id: str, json: bool) -> None:
    """List the active users of a tenant.

    The column SINCE says since when each user is active.
    """
    _print_users(tenant_id, only_active=True, json=json)


def _print_users(tenant_id: str, *, only_active: bool, json: bool) -> None:
    administration = get_deployment().build_administration(LONG_READ_S)
    tenant = require_tenant(administration, tenant_id)
    store = administration.tenant_store
    (resource_type,) = tenant.resource_types
    total, _ = store.count_users(tenant_id)
    users = (
        user
        for user in show_progress(store.list_users(tenant_id), "Users", total)
        if not only_active or user.resource.get("active") is True
    )
    if json:
        output.print_json_array(
            {**hide_nonconforming(user.resource, resource_type), "meta": _format_meta(user)} for user in users
        )
    else:
        output.print_table(_COLUMNS, map(_format_row, users))


def _format_meta(user: StoredResource) -> dict[str, str]:
    """Return the attribute ``meta`` (RFC 7643 section 3.1) and the time since when the user is active or inactive."""
    return {
        "created": user.created,
        "lastModified": user.modified,
        "version": f'W/"{user.version}"',
        "activeSince": user.active_since,
    }


def _format_row(user: StoredResource) -> list[str]:
    resource = user.resource
    return [
        user.id,
        resource["userName"],
        "yes" if resource.get("active") is True else "no",
        user.active_since,
        get_full_name(resource),
        get_primary_email(resource),
        user.modified,
    ]
