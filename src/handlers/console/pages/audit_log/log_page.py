"""The page of a tenant's audit log."""

from __future__ import annotations

from dataclasses import replace

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.audit_log.log_query import build_query, parse_filter, parse_position
from handlers.console.response import BASE, ConsoleResponse
from scim.protocol.errors import Rule
from scim.service.audit.log_entries import LogEntry, get_action_name
from scim.service.audit.log_filter import ALL_ENTRIES, LogFilter, LogResult
from scim.service.model.audit.audit_event import AuditAction
from scim.service.model.audit.log_record import AUTHENTICATE
from scim.service.model.change_record import Operation
from scim.service.model.tenant import Tenant

_PAGE_SIZE = 50
_REFRESH_S = 10
_PERSON_REFRESH_S = 30
"""The page of a person is read less often, because it searches all newest failures."""
FAILURES_INCOMPLETE = "Only about the newest 60,000 failures were searched for this user."
_RESULTS = {
    LogResult.FAILURES: "Failed or partly ignored",
    LogResult.FAILED: "Failed",
    LogResult.PARTLY_IGNORED: "Partly ignored",
    LogResult.SUCCEEDED: "Succeeded",
}
_STATUSES = ("200", "201", "204", "400", "401", "403", "404", "409", "412", "413", "415", "429", "500", "501", "503")
_OPERATIONS = sorted({*Operation, *map(get_action_name, AuditAction), AUTHENTICATE, "GET Users"})
_RULES = sorted(Rule)


def show_log(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return a page of the log. The query has the filter, and the position of the page, ``before`` or ``after``.

    The page with the newest entries reloads them while it is open.
    """
    parameters = context.request.query_parameters
    log_filter = parse_filter(parameters)
    before, after = parse_position(parameters.get("before")), parse_position(parameters.get("after"))
    page = context.administration.build_audit_log(tenant).read_page(
        log_filter, count=_PAGE_SIZE, older_than=before, newer_than=after
    )
    path, query = f"{BASE}/tenants/{tenant.id}/log", build_query(log_filter)
    is_first = before is None and after is None
    return context.render_page(
        "log.html",
        tenant=tenant.id,
        page=page,
        entries=[describe_actor(context, tenant, entry) for entry in page.entries],
        log_filter=log_filter,
        is_filtered=log_filter != ALL_ENTRIES,
        is_first=is_first,
        is_newer=after is not None,
        refresh_s=_choose_refresh_s(log_filter) if is_first else 0,
        path=path,
        query=query,
        older_query=build_query(log_filter, before=page.older) if page.older else "",
        newer_query=build_query(log_filter, after=page.newer) if page.newer and not is_first else "",
        failures_incomplete=FAILURES_INCOMPLETE,
        results=_RESULTS,
        statuses=_STATUSES,
        operations=_OPERATIONS,
        rules=_RULES,
        unknown_operation=bool(log_filter.operation) and not page.entries and not _is_known_operation(log_filter),
        unknown_rule=bool(log_filter.rule) and log_filter.rule not in _RULES,
        section="log",
    )


def describe_actor(context: ConsoleRequestContext, tenant: Tenant, entry: LogEntry) -> LogEntry:
    """Return the entry with a readable actor."""
    return replace(entry, actor=context.describe_actor(tenant, entry.actor))


def _is_known_operation(log_filter: LogFilter) -> bool:
    """Return whether the operation of a filter is one of those that the form suggests, in any case."""
    return log_filter.operation.lower() in map(str.lower, _OPERATIONS)


def _choose_refresh_s(log_filter: LogFilter) -> int:
    """Return the seconds between two reloads of the newest entries."""
    return _PERSON_REFRESH_S if log_filter.person else _REFRESH_S
