"""Print the audit log, the report on a person and the health of a tenant for people."""

from collections.abc import Iterable, Iterator

import click

from cli import output
from scim.service.audit.log_entries import LogEntry, LogEntryKind
from scim.service.audit.person_report import PersonReport
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.tenants.health import Health

MARKS = {
    LogEntryKind.CHANGE: "",
    LogEntryKind.FAILURE: "!",
    LogEntryKind.NO_OP: "~",
    LogEntryKind.REJECTED_TOKEN: "!",
    LogEntryKind.MALFORMED_TOKEN: "?",
    LogEntryKind.FIRST_USE: "",
    LogEntryKind.AUDIT_EVENT: "*",
    LogEntryKind.ALERT: "!",
}
"""The first cell of a row; the help of ``muster log`` explains the marks."""
_COLUMNS = ("", "TIME", "STATUS", "OPERATION", "USER", "COUNT", "RESULT")


def print_log(entries: Iterable[LogEntry]) -> None:
    """Print a row for each entry. Below the row, print its actor, its attributes and what to change."""
    output.print_table(_COLUMNS, map(_format_row, entries))


def _format_row(entry: LogEntry) -> tuple[str, ...]:
    times = (
        f"{entry.count} since {entry.first_at}{' REPEATING' if entry.is_repeating else ''}" if entry.count > 1 else ""
    )
    return (
        MARKS[entry.kind],
        entry.at,
        str(entry.status or ""),
        entry.operation,
        entry.user,
        times,
        entry.summary,
        f"Actor: {entry.actor}" if entry.actor else "",
        f"Sent: {', '.join(entry.attributes_sent)}" if entry.attributes_sent else "",
        f"Changed: {', '.join(entry.attributes_changed)}" if entry.attributes_changed else "",
        f"What to change: {entry.remediation}" if entry.remediation else "",
    )


def print_person_report(report: PersonReport) -> None:
    """Print the diagnosis, then the timeline, or the candidates if several people match."""
    for sentence in report.diagnosis:
        click.echo(output.make_printable(sentence))
    if report.timeline:
        click.echo()
        print_log(report.timeline)
    elif report.users or report.failed_candidates:
        click.echo()
        output.print_table(("USER NAME", "NAME", "EMAIL", "STATE"), _list_candidates(report))


def _list_candidates(report: PersonReport) -> Iterator[tuple[str, ...]]:
    for user in report.users:
        resource = user.resource
        state = "active" if resource.get("active") is True else "inactive"
        yield resource["userName"], get_full_name(resource), get_primary_email(resource), state
    for identifier in report.failed_candidates:
        yield identifier, "", "", "not provisioned"


def print_health(health: Health) -> None:
    """Print the state, the share of failed writes, and the warnings."""
    activity = health.activity
    failed, more = activity.failures.failed_writes, " or more" if activity.has_more_changes else ""
    click.echo(f"Health: {health.state}.{f' {health.advice}' if health.advice else ''}")
    click.echo(f"Identity provider: {health.provider.display_name if health.provider else 'not detected yet'}.")
    if failed:
        click.echo(
            f"Failed writes today and yesterday: {failed}, at most {activity.failure_share:.0%} of all writes. "
            f"Changes: {activity.changes}{more}."
        )
    else:
        click.echo(f"Failed writes today and yesterday: none. Changes: {activity.changes}{more}.")
    for warning in health.warnings:
        click.echo(f"Warning: {warning}")
