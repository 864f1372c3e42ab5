"""The commands ``tenants``, ``status`` and ``strict``."""

from typing import Any

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.progress import show_progress
from scim.service.audit import diagnosis
from scim.service.model.deactivations.brake import BrakeSettings
from scim.service.tenants.access_problems import describe_first_use, describe_last_use
from scim.service.tenants.overview import TenantOverview, UnreadableTenant, load_overviews
from scim.wiring import runtime


@click.command(
    epilog="""\b
Examples:
  muster tenants
  muster tenants --json | jq -r '.[] | select(.health != "healthy") | .tenant'
"""
)
@json_option
@deployment_options
def tenants(json: bool) -> None:
    """List all tenants with their health.

    The list includes disconnected tenants. The last column says what to do.
    """
    deployment = get_deployment()
    tenant_ids = deployment.build_administration(LONG_READ_S).tenant_store.list_ids()
    overviews = load_overviews(
        lambda tenant_id: deployment.build_administration().load_overview_for_list(tenant_id), tenant_ids, _print_fault
    )
    documents = map(_build_document, show_progress(overviews, "Tenants", json=json))
    if json:
        output.print_json_array(documents)
        return
    columns = ("TENANT", "STATE", "HEALTH", "STRICT MODE", "TOKEN EXPIRES", "LAST USE", "ACTION NEEDED")
    output.print_table(columns, ([*_format_row(document), document["warning"] or ""] for document in documents))


def _format_row(document: dict[str, Any]) -> tuple[str, ...]:
    names = ("tenant", "state", "health", "strict")
    cells = [_format_value(document[name]) for name in names]
    return *cells, _format_expiry(document), document["last_use"] or "-"


def _print_fault(tenant_id: str, fault: Exception) -> None:
    click.echo(f"{tenant_id} could not be read: {output.make_printable(str(fault.__cause__ or fault))}", err=True)


@click.command(
    epilog="""\b
Examples:
  muster status acme
  muster status acme --json
"""
)
@tenant_argument
@json_option
@deployment_options
def status(tenant_id: str, json: bool) -> None:
    """Show a tenant's connection status.

    The output contains the health and what to do, the identity provider, the token, the first and last contact,
    requests with a malformed token, and the number of users.
    """
    deployment = get_deployment()
    administration = deployment.build_administration(LONG_READ_S)
    tenant = require_tenant(administration, tenant_id)
    overview = administration.load_overview(tenant, is_detailed=True)
    malformed_tokens = administration.build_audit_log(tenant).list_malformed_tokens()
    document = {
        "scim_url": deployment.scim_url,
        **_build_document(overview),
        "warnings": list(overview.health.warnings),
        "malformed_tokens": diagnosis.describe_malformed_tokens(malformed_tokens) or None,
        "released_until": _format_release(tenant.brake),
        "users": overview.user_count,
        "active": overview.active_user_count,
    }
    if json:
        output.print_json(document)
    else:
        fields = document | {"expires": _format_expiry(document)}
        output.print_fields({_format_label(name): _format_value(value) for name, value in fields.items()})


@click.command(
    epilog="""\b
Examples:
  muster strict acme on
  muster strict acme off
"""
)
@tenant_argument
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@deployment_options
def strict(tenant_id: str, state: str, json: bool) -> None:
    """Turn strict mode on or off.

    "off" (default) accepts what known identity providers send, even if it is non-standard. "on" rejects non-standard
    requests and some that the RFCs allow, such as PATCH operations without a path. Entra ID and Okta do not work then.
    """
    tenant = get_deployment().build_administration().tenants.configure(tenant_id, is_strict=state == "on")
    if json:
        output.print_json({"tenant": tenant_id, "strict": tenant.is_strict})
    else:
        click.echo(f"Strict mode is {state} for {tenant_id}. This takes effect within a minute.")


_MEMBERS = (
    "tenant",
    "state",
    "health",
    "provider",
    "strict",
    "brake",
    "extensions",
    "expires",
    "previous_until",
    "first_contact",
    "connection",
    "last_use",
    "last_request",
    "last_used_token",
    "warning",
)
"""The members of a tenant's JSON document. The document of a tenant that could not be read has them too."""


_LABELS = {
    "scim_url": "SCIM URL",
    "provider": "identity provider",
    "strict": "strict mode",
    "connection": "first request",
    "extensions": "schema extensions",
    "expires": "token expires",
    "previous_until": "previous token until",
    "warning": "action needed",
    "released_until": "deactivations released until",
    "active": "active users",
}
"""The labels of members in the output for people, if they differ from the names."""


def _format_label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " "))


def _build_document(overview: TenantOverview | UnreadableTenant) -> dict[str, Any]:
    if isinstance(overview, UnreadableTenant):
        members = {"tenant": overview.id, "health": overview.health_state, "warning": overview.action_needed}
        return dict.fromkeys(_MEMBERS) | members
    token = overview.tenant.token
    return {
        "tenant": overview.id,
        "state": overview.connection_state,
        "health": overview.health.state,
        "provider": overview.health.provider,
        "strict": overview.tenant.is_strict,
        "brake": overview.tenant.brake.is_on,
        "extensions": [document["id"] for document in overview.tenant.custom_schemas],
        "expires": output.format_rfc3339(token.expires),
        "previous_until": output.format_rfc3339(token.grace_ends) if overview.is_in_grace_period else None,
        "first_contact": output.format_rfc3339(overview.token_usage.first_used) if overview.token_usage else None,
        "connection": describe_first_use(overview.token_usage) if overview.token_usage else None,
        "last_use": output.format_rfc3339(overview.token_usage.last_used) if overview.token_usage else None,
        "last_request": describe_last_use(overview.token_usage) if overview.token_usage else None,
        "last_used_token": overview.last_used_token or None,
        "warning": overview.action_needed or None,
    }


def _format_release(brake: BrakeSettings) -> str | None:
    """Return until when all deactivations are accepted, although the brake may be on. ``None`` if that is over."""
    return output.format_rfc3339(brake.released_until) if brake.released_until > runtime.current_time() else None


def _format_expiry(document: dict[str, Any]) -> str:
    return document["expires"] or ("never" if document["state"] == "connected" else "-")


def _format_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-" if value is None else str(value)
