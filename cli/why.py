"""The commands ``why`` and ``health``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from cli import output
from cli.app import deployment_options, json_option, tenant_argument
from cli.log import find_log
from cli.progress import show_elapsed_time
from cli.report import print_health, print_person_report
from scim.protocol.stored_values.nonconforming import hide_nonconforming
from scim.service.model.audit.failure import FailureKind
from scim.service.tenants.health import Health


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
@click.argument("person", required=False)
@json_option
@deployment_options
def why(tenant_id: str, person: str | None, json: bool) -> None:
    """Explain why a person has access or not.

    PERSON is a userName, email address, externalId, id or name. Former values are found too. Without PERSON, list the
    failed requests that name no person.
    """
    if person is not None and not person.strip():
        raise click.UsageError("PERSON is empty. Leave it out to list the failed requests that name no person.")
    log = find_log(tenant_id)
    with show_elapsed_time("Searching", json=json):
        report = log.report_on_person(person or "")
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
        tenant_health = find_log(tenant_id).get_health()
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
