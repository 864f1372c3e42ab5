"""The command ``users``."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.progress import show_progress
from scim.protocol.errors import InvalidFilter, TooMany
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import SearchRequest
from scim.protocol.stored_values.nonconforming import hide_nonconforming
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.model.query import CursorPosition
from scim.service.model.stored_resource import StoredResource, UserState
from scim.service.model.tenant import Tenant
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import parse_query
from scim.wiring.administration import Administration

_STATES = [str(state) for state in UserState]
_COLUMNS = ("ID", "USER NAME", "STATE", "SINCE", "NAME", "EMAIL", "MODIFIED")


@click.command(
    epilog="""\b
Examples:
  muster users acme
  muster users acme --state inactive
  muster users acme --filter 'emails.value ew "@example.com" and title pr'
  muster users acme --state active --json | jq -r .userName
"""
)
@tenant_argument
@click.option("--filter", "filter_text", metavar="FILTER", help="A SCIM filter (RFC 7644 section 3.4.2.2).")
@click.option("--state", type=click.Choice(_STATES), help="Show only active or only inactive users.")
@json_option
@deployment_options
def users(tenant_id: str, filter_text: str | None, state: str | None, json: bool) -> None:
    """List the users of a tenant.

    The column SINCE says since when each user is active or inactive. A filter on attributes that are not indexed reads
    all users.
    """
    administration = get_deployment().build_administration(LONG_READ_S)
    tenant = require_tenant(administration, tenant_id)
    (resource_type,) = tenant.resource_types
    if filter_text is None:
        total, _ = administration.tenant_store.count_users(tenant_id)
        listed: Iterable[StoredResource] = show_progress(
            administration.tenant_store.list_users(tenant_id), "Users", total, json=json
        )
    else:
        listed = show_progress(_find_users(administration, tenant, filter_text), "Users found", json=json)
    selected = (user for user in listed if state is None or user.state == state)
    if json:
        output.print_json_lines(
            {**hide_nonconforming(user.resource, resource_type), "meta": _format_meta(user)} for user in selected
        )
    else:
        output.print_table(_COLUMNS, map(_format_row, selected))


def _find_users(administration: Administration, tenant: Tenant, filter_text: str) -> Iterator[StoredResource]:
    """Yield the users that match a SCIM filter. Pages are read when their users are needed."""
    (resource_type,) = tenant.resource_types
    request, renderer = SearchRequest(filter=filter_text), ResourceRenderer(resource_type, "")
    try:
        query = parse_query(request, resource_type, LeniencyTracker(), renderer)
    except InvalidFilter as error:
        raise click.BadParameter(str(error), param_hint="--filter") from error
    store = administration.build_resource_store(tenant)
    try:
        result = store.find(query)
    except TooMany:  # a request of a client may not read so many users, a command may
        yield from filter(query.matches, administration.tenant_store.list_users(tenant.id))
        return
    while True:
        yield from result.page
        if result.next_boundaries is None:
            return
        result = store.find(replace(query, start=CursorPosition(result.next_boundaries, total=result.total)))


def _format_meta(user: StoredResource) -> dict[str, str]:
    """Return the attribute ``meta`` (RFC 7643 section 3.1) and the time since when the user is active or inactive."""
    return {
        "created": user.created,
        "lastModified": user.modified,
        "version": f'W/"{user.version}"',
        "activeSince": user.active_since,
    }


def _format_row(user: StoredResource) -> tuple[str, ...]:
    resource = user.resource
    return (
        user.id,
        resource["userName"],
        output.ColoredText(user.state, "green" if user.state is UserState.ACTIVE else ""),
        output.format_optional_time(user.active_since),
        get_full_name(resource),
        get_primary_email(resource),
        output.format_optional_time(user.modified),
    )
