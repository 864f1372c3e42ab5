"""The commands ``log``, ``why`` and ``health``."""

from collections.abc import Iterator, Mapping
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
from cli.progress import show_elapsed_time, show_progress
from cli.report import print_health, print_log, print_person_report
from scim.protocol.stored_values.nonconforming import hide_nonconforming
from scim.service.audit.log import AuditLog
from scim.service.audit.log_entries import LogEntry
from scim.service.model.audit.failure import FailureKind
from scim.service.tenants.health import Health

_PAGE_SIZE = 200


@click.command(
    epilog="""\b
Marks in the first column:
  !  failed, or rejected because of an invalid token
  ~  answered with success, but partly ignored
  ?  unverified requests with a malformed token, which anybody can send
  *  audit event: an action of an operator or IT admin

\b
Examples:
  muster log acme
  muster log acme --failures -n 1000
  muster log acme --json | jq -r '.[] | select(.is_repeating) | .user'
"""
)
@tenant_argument
@click.option("--failures", is_flag=True, help="Show only requests that failed or were partly ignored.")
@click.option("-n", "number", default=50, type=click.IntRange(1), metavar="N", help="Number of entries. Default: 50.")
@json_option
@deployment_options
def log(tenant_id: str, failures: bool, number: int, json: bool) -> None:
    """Show the audit log of a tenant.

    The log contains the changes, the failed requests with what to change in the identity provider, and the audit
    events. The newest entries are first.
    """
    newest = islice(_list_entries(_get_log(tenant_id), only_failures=failures), number)
    entries = show_progress(newest, "Entries", json=json)
    if json:
        output.print_json_array(map(asdict, entries))
    else:
        print_log(entries)


@click.command(
    epilog="""\b
Examples:
  muster why acme ada@example.com
  muster why acme "Ada Lovelace"
  muster why acme 0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70
  muster why acme
"""
)
@tenant_argument
@click.argument("person", default="")
@json_option
@deployment_options
def why(tenant_id: str, person: str, json: bool) -> None:
    """Explain why a person has access or not.

    PERSON is a userName, email address, externalId, id or name. Former values are found too. Without PERSON, list the
    failed requests that name no person.
    """
    log = _get_log(tenant_id)
    with show_elapsed_time("Searching", json=json):
        report = log.report_on_person(person)
    if json:
        (resource_type,) = log.tenant.resource_types
        output.print_json(
            {
                "query": report.query,
                "users": [hide_nonconforming(user.resource, resource_type) for user in report.users],
                "renamed_users": [_build_user_document(user.resource) for user in report.renamed_users],
                "failed_candidates": report.failed_candidates,
                "diagnosis": report.diagnosis,
                "timeline": [asdict(entry) for entry in report.timeline],
                "unidentified_failures": [asdict(entry) for entry in report.unidentified_failures],
            }
        )
    else:
        print_person_report(report)


@click.command(
    epilog="""\b
Examples:
  muster health acme
  muster health acme --json | jq -r .state
"""
)
@tenant_argument
@json_option
@deployment_options
def health(tenant_id: str, json: bool) -> None:
    """Show the health of a tenant.

    The output contains the state, what to do, the failed writes of today and yesterday, and the warnings.
    """
    with show_elapsed_time("Counting", json=json):
        tenant_health = _get_log(tenant_id).get_health()
    if json:
        output.print_json(_build_health_document(tenant_health))
    else:
        print_health(tenant_health)


def _build_user_document(user: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": user["id"], "userName": user["userName"], "active": user.get("active") is True}


def _build_health_document(health: Health) -> dict[str, Any]:
    activity = health.activity
    return {
        "state": health.state,
        "advice": health.advice or None,
        "provider": health.provider,
        "failed_writes": activity.failures.failed_writes,
        **{str(kind): activity.failures.get_count(kind) for kind in FailureKind},
        "changes": activity.changes,
        "has_more_changes": activity.has_more_changes,
        "share": activity.failure_share,
        "warnings": list(health.warnings),
    }


def _get_log(tenant_id: str) -> AuditLog:
    log = get_deployment().build_administration(LONG_READ_S).find_audit_log(tenant_id)
    if log is None:
        raise build_unknown_tenant_error(tenant_id)
    return log


def _list_entries(log: AuditLog, *, only_failures: bool) -> Iterator[LogEntry]:
    """Yield all entries, the newest first. Pages are read when their entries are needed."""
    position = None
    while True:
        entries, position = log.list_entries(position, count=_PAGE_SIZE, only_failures=only_failures)
        yield from entries
        if position is None:
            return
