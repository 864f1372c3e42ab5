"""The command ``doctor``."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli import deployment, output
from cli.app import deployment_options, json_option
from cli.doctor import api, secrets, stack, table
from cli.doctor.findings import Check, Finding, Level, describe_failed_check, run_check
from cli.doctor.target import Target
from cli.errors import CommandError
from cli.progress import show_progress
from scim.aws.errors import AwsError

_CHECKS: Mapping[str, Check] = {
    "table": table.check_table,
    "TTL": table.check_ttl,
    "point-in-time recovery": table.check_recovery,
    "permissions to read the table": table.check_read_permissions,
    "master key": secrets.check_master_key,
    "secrets of tenants": secrets.check_tenant_secrets,
    "functions": stack.check_functions,
    "event source mappings": stack.check_event_sources,
    "dead-letter queues": stack.check_queues,
    "alarms": stack.check_alarms,
    "API": api.check_api,
}
_ONLY_ON_AWS = ("TTL", "point-in-time recovery", "functions", "event source mappings", "alarms")
_COLORS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}
_OUTPUTS = (
    "TableName",
    "SecretPrefix",
    "MasterKeySecret",
    "ScimUrl",
    "DeadLetterQueueUrl",
    "LinksDeadLetterQueueUrl",
)


@click.command(
    epilog="""\b
Examples:
  muster doctor
  muster doctor --stack muster
  muster doctor --json | jq -r 'select(.level == "fault") | .next_step'
"""
)
@json_option
@deployment_options
@click.pass_context
def doctor(context: click.Context, json: bool) -> None:
    """Check whether the deployment is completely set up.

    It checks your AWS identity and its permissions to read, the stack, the table with its stream, TTL, backups and
    deletion protection, the secrets, the functions, the queues, the alarms, and whether the API answers. Nothing is
    changed. Each line is ok, a warning or a fault with the next step. The exit code is 1 if there is a fault.
    """
    findings = show_progress(_diagnose(context.ensure_object(dict)), "Checks", json=json)
    faults = warnings = 0
    rows = []
    for finding in findings:
        faults += finding.level is Level.FAULT
        warnings += finding.level is Level.WARNING
        if json:
            output.print_json_lines([_build_document(finding)])
        else:
            rows.append(_format_row(finding))
    if not json:
        output.print_table(("LEVEL", "SUBJECT", "RESULT"), rows)
        click.echo(f"\n{_count(faults, 'fault')}, {_count(warnings, 'warning')}")
    if faults:
        raise click.exceptions.Exit(CommandError.exit_code)


def _diagnose(options: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield all findings. Without access to the deployment, yield only why there is none."""
    if name := options.get("stack"):
        session = deployment.open_session(options.get("profile"), options.get("region"))
        target: Target | None = yield from _open_stack(session, name)
    else:
        target = yield from _open_local_run(options.get("data", Path(".local")))
    if target is None:
        return
    for subject, check in _CHECKS.items():
        if not (target.is_local and subject in _ONLY_ON_AWS):
            yield from run_check(subject, check, target)


def _open_local_run(data: Path) -> Generator[Finding, None, Target]:
    """Yield findings on the local run, and return it.

    Raise :class:`local.errors.LocalRunError` if it is not running.
    """
    local_run = deployment.open_local_run(data)
    yield Finding("local run", Level.OK, f"{data}, {local_run.settings.public_url}")
    yield Finding("endpoint", Level.OK, f"DynamoDB at {local_run.endpoints['dynamodb']}")
    return Target("", local_run.session, local_run.outputs, local_run.settings.public_url, local_run.endpoints)


def _open_stack(session: Any, name: str) -> Generator[Finding, None, Target | None]:
    """Yield findings on the identity and the stack. Return the stack, ``None`` if the checks cannot continue."""
    access = Target(name, session, {}, "", {})
    try:
        identity = access.create_client("sts").get_caller_identity()
        region = session.client("sts").meta.region_name
        yield Finding("identity", Level.OK, f"{identity['Arn']}, account {identity['Account']}, region {region}")
        yield _describe_endpoint(access)
        description = deployment.read_stack(session, name)
    except AwsError as error:
        finding = describe_failed_check("access", error)
        yield Finding("access", Level.FAULT, finding.detail, finding.next_step, finding.missing_permission)
        return None
    except deployment.StackNotFound as error:
        yield Finding("stack", Level.FAULT, str(error), "To list the stacks: aws cloudformation describe-stacks")
        return None
    yield stack.check_status(description)
    outputs = deployment.read_pairs(description, "Output")
    if missing := [output for output in _OUTPUTS if output not in outputs]:
        detail = f"{name} has no output {', '.join(missing)}. Is it a stack of this version of Muster?"
        yield Finding("stack", Level.FAULT, detail, "Check --stack, or deploy this version: make deploy")
        return None
    return Target(name, session, outputs, outputs["ScimUrl"], {})


def _describe_endpoint(target: Target) -> Finding:
    """Return to which URL the calls go. It is a warning if a variable or a setting replaces that of AWS."""
    url = target.get_endpoint("dynamodb")
    if names := sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")):
        detail = f"DynamoDB at {url}, because {', '.join(names)} is set"
        return Finding("endpoint", Level.WARNING, detail, f"unset {' '.join(names)}")
    return Finding("endpoint", Level.OK, f"DynamoDB at {url}")


def _build_document(finding: Finding) -> dict[str, Any]:
    return {name: value or None for name, value in asdict(finding).items()}


def _format_row(finding: Finding) -> tuple[str, ...]:
    next_step = f"Next: {finding.next_step}" if finding.next_step else ""
    return output.ColoredText(finding.level, _COLORS[finding.level]), finding.subject, finding.detail, next_step


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
