"""scim-sanity probes the endpoint, plainly and with its profile for clients of Microsoft Entra ID."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.judges.conftest import Report
from tests.judges.local_run import LocalRun, Mode, Tenant
from tests.judges.verdict import Check, Judge

COMMAND = Path(sys.executable).parent / "scim-sanity"
# The profile sends an attribute of this schema with each user. A strict tenant rejects attributes that no schema has.
ENTRA_SCHEMA = Path(__file__).parent / "schemas/entra.json"
# What the endpoint does not have: groups, and the resource types of a draft (draft-abbey-scim-agent-extension).
SKIPPED = {
    "Group CRUD Lifecycle",
    "Agent CRUD Lifecycle",
    "AgenticApplication CRUD Lifecycle",
    "Agent Rapid Lifecycle",
}
CHECKS = 18


@pytest.fixture(params=list(Mode))
def tenant(request: pytest.FixtureRequest, local_run: LocalRun) -> Tenant:
    return local_run.connect(request.param, ENTRA_SCHEMA)


@pytest.mark.parametrize(
    ("judge", "options"),
    [(Judge.SCIM_SANITY, ()), (Judge.SCIM_SANITY_ENTRA, ("--profile", "entra"))],
    ids=["plain", "entra"],
)
def test_probe(tenant: Tenant, report: Report, judge: Judge, options: tuple[str, ...]) -> None:
    results = probe(tenant, *options)

    assert {result["name"] for result in results if result["status"] == "skip"} == SKIPPED
    checks = [build_check(result) for result in results if result["status"] != "skip"]
    assert len(checks) == CHECKS
    report(judge, checks)


def probe(tenant: Tenant, *options: str) -> list[dict[str, Any]]:
    """Return the results of a probe, which creates, changes and deletes users."""
    arguments = ["probe", tenant.url, "--token", tenant.token, "--i-accept-side-effects", "--json-output", *options]
    output = subprocess.run(  # noqa: S603  # a command of the judges' environment
        [COMMAND, *arguments], env=os.environ, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    ).stdout
    results: list[dict[str, Any]] = json.loads(output)["results"]
    return results


def build_check(result: dict[str, Any]) -> Check:
    return Check(result["name"], "" if result["status"] == "pass" else f"{result['status']}: {result['message']}")
