"""The command ``status``."""

from typing import Any

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.failure_groups import FailureGroup, group_failures, suggest_command
from cli.log import list_entries
from cli.tenant_documents import build_tenant_document, color_health, format_expiry, format_value
from scim.service.audit import diagnosis
from scim.service.audit.log_filter import FAILURES
from scim.service.model.timestamps import list_last_days
from scim.service.tenants.health import Health
from scim.wiring import runtime

_MAX_SHOWN = 5
_LABELS = {
    "scim_url": "SCIM URL",
    "provider": "identity provider",
    "chosen_provider": "chosen identity provider",
    "strict": "strict mode",
    "connection": "first request",
    "extensions": "schema extensions",
    "expires": "token expires",
    "previous_until": "previous token until",
    "released_until": "deactivations released until",
    "link_requested": "new invitation requested",
    "active": "active users",
}
"""The labels of members in the output for people, if they differ from the names."""
_TIMES = ("token_created", "previous_until", "first_contact", "last_use", "released_until", "link_requested")
_IN_SENTENCES = ("tenant", "health", "warning", "warnings", "malformed_tokens", "problems", "next_command")
"""The members that are shown as sentences, and not in the table of fields."""


@click.command(
    epilog="""\b
Examples:
  muster status acme
  muster status acme --json | jq -r .next_command
"""
)
@tenant_argument
@json_option
@deployment_options
def status(tenant_id: str, json: bool) -> None:
    """Show the status of a tenant: what fails, and what to do next.

    The output contains the health, the settings, the token, the first and last contact, the number of users, warnings,
    the failures since yesterday (UTC) grouped by their cause, and the next command. It says if the IT admin asked for a
    new invitation link.
    """
    deployment = get_deployment()
    administration = deployment.build_administration(LONG_READ_S)
    tenant = require_tenant(administration, tenant_id)
    overview = administration.load_overview(tenant, is_detailed=True)
    audit_log = administration.build_audit_log(tenant)
    now = runtime.current_time()
    yesterday, _ = list_last_days(now, 2)
    groups = group_failures(list_entries(audit_log, FAILURES), yesterday)
    released_until = tenant.brake.released_until
    link_requested = administration.invitations.get_link_request(tenant_id)
    next_command = suggest_command(tenant_id, overview.health.state, groups)
    if not next_command and link_requested:
        next_command = f"muster invite {tenant_id}"
    document = {
        "scim_url": deployment.scim_url,
        **build_tenant_document(overview),
        "warnings": list(overview.health.warnings),
        "malformed_tokens": diagnosis.describe_malformed_tokens(audit_log.list_malformed_tokens()) or None,
        "released_until": output.format_rfc3339(released_until) if released_until > now else None,
        "users": overview.user_count,
        "active": overview.active_user_count,
        "problems": [group.build_document() for group in groups],
        "link_requested": link_requested or None,
        "next_command": next_command or None,
    }
    if json:
        output.print_json(document)
    else:
        _print_status(document, overview.health, groups)


def _print_status(document: dict[str, Any], health: Health, groups: list[FailureGroup]) -> None:
    state = color_health(health.state)
    click.echo(f"{document['tenant']}: {click.style(state, fg=state.color or None)}")
    sentences = [document["warning"], *document["warnings"], document["malformed_tokens"]]
    for sentence in filter(None, sentences):
        click.echo(f"  {output.format_sentence(sentence)}")
    click.echo()
    fields = {
        name: _format_field(name, document)
        for name, value in document.items()
        if name == "expires" or (name not in _IN_SENTENCES and value not in (None, []))
    }
    output.print_fields({_LABELS.get(name, name.replace("_", " ")): value for name, value in fields.items()})
    if groups:
        click.echo("\nFailures since yesterday (UTC)")
        columns = ("REQUESTS", "PEOPLE", "LAST", "STATUS", "OPERATION", "CAUSE")
        output.print_table(columns, map(_format_group, groups[:_MAX_SHOWN]))
        if len(groups) > _MAX_SHOWN:
            click.echo(f"{len(groups) - _MAX_SHOWN} more: muster log {document['tenant']} --failures")
    if document["next_command"]:
        click.echo(f"\nNext: {output.make_printable(document['next_command'])}")


def _format_field(name: str, document: dict[str, Any]) -> str:
    if name == "expires":
        return format_expiry(document)
    if name in _TIMES:
        return output.format_optional_time(document[name])
    return format_value(document[name])


def _format_group(group: FailureGroup) -> tuple[str, ...]:
    entry = group.newest
    people = ", ".join(group.users[:3]) + (", ..." if len(group.users) > 3 else "")
    return (
        f"{group.count:,}",
        f"{len(group.users):,}" if group.users else "",
        output.format_time(entry.at),
        str(entry.status or ""),
        entry.operation,
        output.format_sentence(entry.summary),
        f"What to change: {entry.remediation}" if entry.remediation else "",
        f"People: {people}" if people else "",
    )
