"""Print the audit log, the report on a person and the health of a tenant for people."""

from collections.abc import Iterable, Iterator

import click

from cli import output
from cli.tenant_documents import color_health
from scim.service.audit.log_entries import LogEntry, LogEntryKind
from scim.service.audit.person_report import PersonReport
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.tenants.health import Health

_COLORS = {
    LogEntryKind.FAILURE: "red",
    LogEntryKind.REJECTED_TOKEN: "red",
    LogEntryKind.ALERT: "red",
    LogEntryKind.NO_OP: "yellow",
    LogEntryKind.MALFORMED_TOKEN: "yellow",
    LogEntryKind.AUDIT_EVENT: "cyan",
}
_COLUMNS = ("TIME", "KIND", "STATUS", "OPERATION", "USER", "COUNT", "RESULT")


def print_log(entries: Iterable[LogEntry]) -> None:
    """Print a row for each entry. Below the row, print its actor, its attributes and what to change."""
    output.print_table(_COLUMNS, map(_format_row, entries))


class LogTable:
    """A table of entries that are printed one by one. ``samples`` determine the widths of the columns."""

    def __init__(self, samples: Iterable[LogEntry]) -> None:
        rows = [*map(_format_row, samples), _WIDEST_ROW]
        self._table = output.Table(_COLUMNS, rows)

    def print_entry(self, entry: LogEntry) -> None:
        """Print the row of an entry, and what is below the row."""
        self._table.print_row(_format_row(entry))


_WIDEST_ROW = ("", LogEntryKind.MALFORMED_TOKEN, "", "authenticate", " " * 30, "", "")
"""Cells that reserve space for the entries that come later."""


def _format_row(entry: LogEntry) -> tuple[str, ...]:
    repeating = " The identity provider keeps sending this request." if entry.is_repeating else ""
    return (
        output.format_time(entry.at),
        output.ColoredText(entry.kind, _COLORS.get(entry.kind, "")),
        str(entry.status or ""),
        entry.operation,
        entry.user,
        f"{entry.count:,}",
        output.format_sentence(entry.summary),
        f"Since: {output.format_time(entry.first_at)}.{repeating}" if entry.count > 1 else "",
        f"Actor: {entry.actor}" if entry.actor else "",
        f"Sent: {', '.join(entry.attributes_sent)}" if entry.attributes_sent else "",
        f"Changed: {', '.join(entry.attributes_changed)}" if entry.attributes_changed else "",
        f"What to change: {entry.remediation}" if entry.remediation else "",
    )


def print_person_report(report: PersonReport) -> None:
    """Print the diagnosis, then the timeline, or the candidates if several people match."""
    for sentence in report.diagnosis:
        click.echo(output.format_sentence(sentence))
    if report.timeline:
        click.echo()
        print_log(report.timeline)
    elif report.users or report.failed_candidates:
        click.echo()
        output.print_table(("USER NAME", "NAME", "EMAIL", "STATE"), _list_candidates(report))


def _list_candidates(report: PersonReport) -> Iterator[tuple[str, ...]]:
    for user in report.users:
        resource = user.resource
        yield resource["userName"], get_full_name(resource), get_primary_email(resource), user.state
    for identifier in report.failed_candidates:
        yield identifier, "", "", "not provisioned"


def print_health(health: Health) -> None:
    """Print the state, the share of failed writes, and the warnings."""
    activity = health.activity
    failed, more = activity.failures.failed_writes, " or more" if activity.has_more_changes else ""
    advice = f" {output.format_sentence(health.advice)}" if health.advice else ""
    state = color_health(health.state)
    click.echo(f"Health: {click.style(state, fg=state.color or None)}.{advice}")
    click.echo(f"Identity provider: {health.provider.display_name if health.provider else 'not detected yet'}.")
    if failed:
        click.echo(
            f"Failed writes today and yesterday: {failed}, at most {activity.failure_share:.0%} of all writes. "
            f"Changes: {activity.changes}{more}."
        )
    else:
        click.echo(f"Failed writes today and yesterday: none. Changes: {activity.changes}{more}.")
    for warning in health.warnings:
        click.echo(f"Warning: {output.format_sentence(warning)}")
