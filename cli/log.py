"""The command ``log``."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import click

from cli import output
from cli.app import (
    LONG_READ_S,
    build_unknown_tenant_error,
    deployment_options,
    get_deployment,
    json_option,
    tenant_argument,
)
from cli.errors import InvalidInputError
from cli.log_follower import LogFollower
from cli.progress import show_progress
from cli.report import LogTable, print_log
from scim.service.audit.log import AuditLog
from scim.service.audit.log_entries import LogEntry
from scim.service.audit.log_filter import LogFilter, LogResult, is_status
from scim.wiring import runtime

_PAGE_SIZE = 200
_DEFAULT_NUMBER = 50
_FOLLOWED_NUMBER = 10
_POLL_S = 2.0


class Status(click.ParamType[str]):
    """The status of a response, such as 409, or a result: succeeded, failed, partly-ignored or failures."""

    name = "status"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the status."""
        if not is_status(value):
            self.fail(f"'{value}' is not valid; use an HTTP status or one of {', '.join(LogResult)}.", param, ctx)
        return str(value)


@click.command(
    epilog="""\b
Kinds of entries:
  change           a request changed a user
  failure          a request failed
  no-op            a request succeeded, but was partly ignored
  rejected-token   requests with a token that is no longer valid
  malformed-token  unverified requests with a malformed token, which anyone can send
  first-use        the first request with a token
  audit-event      an action of an operator or IT admin
  alert            many users were deactivated

\b
Examples:
  muster log acme
  muster log acme --follow --failures
  muster log acme --person ada@example.com --since 7d
  muster log acme --since 2026-06-01T09:00:00Z
  muster log acme --json | jq -r 'select(.is_repeating) | .user'
"""
)
@tenant_argument
@click.option("--failures", is_flag=True, help="Show only requests that failed or were partly ignored.")
@click.option("--person", metavar="PERSON", help="Show only this person: a userName, email, externalId, id or name.")
@click.option("--operation", default="", help="Show only this operation, for example create, 'GET Users' or rotate.")
@click.option(
    "--status",
    type=Status(),
    help="Show only this HTTP status or result: succeeded, failed, partly-ignored.",
)
@click.option("--rule", default="", help="Show only failures by this rule, for example uniqueness.")
@click.option("--request", "request_id", metavar="ID", default="", help="Show only the request with this id.")
@click.option(
    "--since", type=output.PastTime(), help="Show only entries since then, for example 30m, 24h, 7d or 2026-06-01."
)
@click.option("--until", type=output.PastTime(), help="Show only entries before then.")
@click.option(
    "-n",
    "number",
    type=click.IntRange(1),
    metavar="N",
    help="Maximum number of entries. Default: 50; with --since: all; with --follow: 10.",
)
@click.option(
    "-f",
    "--follow",
    "is_following",
    is_flag=True,
    help="Show new entries as they are written, until Ctrl-C. The newest is last.",
)
@json_option
@deployment_options
def log(
    tenant_id: str,
    failures: bool,
    person: str | None,
    operation: str,
    status: str | None,
    rule: str,
    request_id: str,
    since: float | None,
    until: float | None,
    number: int | None,
    is_following: bool,
    json: bool,
) -> None:
    """Show the audit log of a tenant.

    The log contains the changes, the failed requests with what to change in the identity provider, and the audit
    events. The newest entries are first. Entries about a person contain no audit events.
    """
    if person is not None and not person.strip():
        raise click.UsageError("--person is empty.")
    if failures and status:
        raise click.UsageError("Use --failures or --status, not both.")
    log_filter = LogFilter(
        person=person or "",
        operation=operation,
        status=LogResult.FAILURES if failures else status or "",
        rule=rule,
        request_id=request_id,
        since=output.format_rfc3339(since) or "",
        until=output.format_rfc3339(until) or "",
    )
    if is_following:
        _print_new_entries(tenant_id, log_filter, number or _FOLLOWED_NUMBER, json=json)
        return
    entries = _read(find_log(tenant_id), log_filter)
    limit = number or (None if since is not None else _DEFAULT_NUMBER)
    newest = show_progress(islice(entries, limit), "Entries", json=json)
    if json:
        output.print_json_lines(map(asdict, newest))
    else:
        print_log(newest)


def _read(audit_log: AuditLog, log_filter: LogFilter) -> Iterator[LogEntry]:
    """Yield the entries that match, the newest first. A person may also be given by a name."""
    if not log_filter.person:
        return list_entries(audit_log, log_filter)
    return filter(log_filter.matches, _read_timeline(audit_log, log_filter.person))


def _read_timeline(audit_log: AuditLog, person: str) -> Iterable[LogEntry]:
    """Return the entries about a person. Raise :class:`InvalidInputError` if several people match."""
    report = audit_log.report_on_person(person)
    if not report.timeline and len(report.users) + len(report.failed_candidates) > 1:
        names = [*(user.resource["userName"] for user in report.users), *report.failed_candidates]
        raise InvalidInputError(f"Several people match {person}: {', '.join(names)}. Use a userName or an id.")
    return report.timeline


def _print_new_entries(tenant_id: str, log_filter: LogFilter, number: int, *, json: bool) -> None:
    """Print the newest entries and then each new one, until Ctrl-C."""

    def read() -> Iterator[LogEntry]:
        return _read(find_log(tenant_id), log_filter)

    follower = LogFollower(read, number)
    table: LogTable | None = None
    try:
        while True:
            entries = follower.poll()
            if json:
                output.print_json_lines(map(asdict, entries))
            else:
                table = table or LogTable(entries)
                for entry in entries:
                    table.print_entry(entry)
            runtime.sleep(_POLL_S)
    except KeyboardInterrupt:
        return


def find_log(tenant_id: str) -> AuditLog:
    """Return the audit log of a tenant. Raise :class:`cli.errors.NotFoundError` if there is no such tenant."""
    log = get_deployment().build_administration(LONG_READ_S).find_audit_log(tenant_id)
    if log is None:
        raise build_unknown_tenant_error(tenant_id)
    return log


def list_entries(log: AuditLog, log_filter: LogFilter) -> Iterator[LogEntry]:
    """Yield all entries that match, the newest first. Pages are read when their entries are needed."""
    page = log.read_page(log_filter, count=_PAGE_SIZE)
    yield from page.entries
    while page.older:
        page = log.read_page(log_filter, count=_PAGE_SIZE, older_than=page.older)
        yield from page.entries
