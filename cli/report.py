"""The log, a person's case and a tenant's health, for people."""

from collections.abc import Iterable, Iterator

import click

from cli import output
from scim.service.audit.log_entries import LogEntry, LogEntryKind
from scim.service.audit.lookup import full_name, primary_email
from scim.service.audit.person_report import PersonReport
from scim.service.tenants.health import Health

MARKS = {
    LogEntryKind.CHANGE: "",
    LogEntryKind.FAILURE: "!",
    LogEntryKind.NO_OP: "~",
    LogEntryKind.REJECTED_TOKEN: "!",
    LogEntryKind.UNVERIFIED: "?",
    LogEntryKind.CONTACT: "",
    LogEntryKind.AUDIT_EVENT: "*",
}
"""What a row begins with: ``!`` failed, ``~`` was answered with success although part of it was ignored, ``?`` may be
the request of anybody, ``*`` was done with the tenant.
"""
_COLUMNS = ("", "WHEN", "STATUS", "OPERATION", "WHO", "TIMES", "WHAT")


def show_log(entries: Iterable[LogEntry]) -> None:
    """Print a row for each; who did it, what was sent and changed, and what to change stand below it."""
    output.print_table(_COLUMNS, map(_row, entries))


def _row(entry: LogEntry) -> tuple[str, ...]:
    sent = f"Sent: {', '.join(entry.attributes_sent)}" if entry.attributes_sent else ""
    changed = f"Changed: {', '.join(entry.attributes_changed)}" if entry.attributes_changed else ""
    often = f"{entry.count} since {entry.first_at}{' LOOP' if entry.is_loop else ''}" if entry.count > 1 else ""
    return (
        MARKS[entry.kind],
        entry.at,
        str(entry.status or ""),
        entry.operation,
        entry.user,
        often,
        entry.summary,
        f"By: {entry.actor}" if entry.actor else "",
        sent,
        changed,
        f"What to change: {entry.remediation}" if entry.remediation else "",
    )


def show_case(case: PersonReport) -> None:
    """The diagnosis, and behind it the timeline, or those from whom to choose."""
    for line in case.diagnosis:
        click.echo(output.make_printable(line))
    if case.timeline:
        click.echo()
        show_log(case.timeline)
    elif case.users or case.failed_candidates:
        click.echo()
        output.print_table(("USERNAME", "NAME", "EMAIL", ""), _to_choose_from(case))


def _to_choose_from(case: PersonReport) -> Iterator[tuple[str, ...]]:
    for each in case.users:
        part = "active" if each.resource.get("active") is True else "inactive"
        yield each.resource["userName"], full_name(each.resource), primary_email(each.resource), part
    for identifier in case.failed_candidates:
        yield identifier, "", "", "not provisioned"


def show_health(health: Health) -> None:
    """Print the state, the share of failed writes, and the warnings."""
    activity = health.activity
    failed, more = activity.failures.failed_writes, " or more" if activity.has_more_changes else ""
    click.echo(f"Health: {health.state}.{f' {health.advice}' if health.advice else ''}")
    click.echo(f"Identity provider: {health.provider.display_name if health.provider else 'not detected yet'}.")
    if failed:
        writes = failed + activity.changes
        click.echo(f"Writes that failed today and yesterday: {failed}, at most {activity.share:.0%} of {writes}{more}.")
    else:
        click.echo(f"No write failed today and yesterday. Changes: {activity.changes}{more}.")
    for each in health.warnings:
        click.echo(f"WARNING: {each}")
