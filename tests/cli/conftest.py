"""Run the command line on moto, with a deployed stack as CloudFormation describes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from cli import deployment as deployment_module
from cli.deployment import Deployment, connect_stack
from cli.main import muster
from tests.cli.stack import Session


@dataclass(frozen=True)
class Muster:
    """Runs commands on a stack."""

    deployment: Deployment

    def __call__(self, *arguments: str, answer: str = "", code: int = 0) -> Result:
        result = CliRunner().invoke(muster, arguments, input=answer, prog_name="muster")
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)

    def json_lines(self, *arguments: str) -> list[Any]:
        """Return the documents of a command that prints one in each line."""
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]

    def lines(self, *arguments: str) -> list[list[str]]:
        """Return the cells of a table."""
        return [[cell for cell in line.split("  ") if cell] for line in self(*arguments).stdout.splitlines()]


@pytest.fixture
def run(table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Muster]:
    def connect(name: str, profile: str | None, region: str | None, *, timeout_s: float | None = None) -> Deployment:
        return connect_stack(name, profile, region, Session, timeout_s=timeout_s)

    monkeypatch.setattr(deployment_module, "connect_stack", connect)
    monkeypatch.setenv("MUSTER_STACK", "muster")
    muster = Muster(connect("muster", None, None))
    yield muster
    operator = muster.deployment.operator
    for tenant in muster.deployment.build_administration().tenant_store.list_ids():
        name = operator.settings.secret_prefix + tenant
        boto3.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
