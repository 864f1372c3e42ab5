"""Purges and erasures that are killed at any call to DynamoDB: a repetition has the same end."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from cli import data
from cli.deployment import Deployment
from cli.main import muster
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.auth.token_format import parse_token
from scim.service.maintenance.tasks import STALE_AFTER_S
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters
from tests.endpoint import CORE, Endpoint
from tests.size import SIZE_PERCENT

pytestmark = pytest.mark.slow
ADA = "ada@example.com"
Items = dict[tuple[str, str], dict[str, Any]]


class Killed(Exception):
    """The process was killed."""


class KillingClient:
    """A DynamoDB client whose process is killed at a call: before the call, or after it if ``is_sent``."""

    def __init__(self, client: Any, number: int, *, is_sent: bool) -> None:
        self._client = client
        self._number = number
        self._is_sent = is_sent
        self.calls = 0

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls < self._number or (self.calls == self._number and self._is_sent):
                response = getattr(self._client, operation)(**arguments)
                if self.calls < self._number:
                    return response
            raise Killed

        return call


class NoLetters:
    """Empty dead-letter queues."""

    def receive(self, _limit: int) -> Iterator[Any]:
        return iter(())


@dataclass
class Commands:
    """Runs commands on the engine. Before each command, so much time passes that the task of a killed one is stale."""

    operator: OperatorAdapters
    monkeypatch: pytest.MonkeyPatch
    seconds: float = 0.0

    def run(self, *arguments: str, kill_at: int = 1_000_000, is_sent: bool = False) -> tuple[int, int]:
        """Run a command. Return its exit code, -1 if it was killed, and the number of its calls."""
        self.seconds += STALE_AFTER_S + 1
        now = runtime.current_time() + self.seconds
        client: Any = KillingClient(self.operator.dynamodb_client, kill_at, is_sent=is_sent)
        services: Any = NoLetters()
        operator = replace(self.operator, dynamodb_client=client, create_maintenance_client=lambda: client)
        deployment = Deployment("", operator, lambda: services, lambda: pytest.fail("not used"), lambda _: [])
        with self.monkeypatch.context() as patched:
            patched.setattr(data, "get_deployment", lambda: deployment)
            patched.setattr(runtime, "current_time", lambda: now)
            patched.setattr(runtime, "sleep", lambda _: None)
            result = CliRunner().invoke(muster, [*arguments, "--yes", "--json", "--rate", "1000"])
        if isinstance(result.exception, Killed):
            return -1, client.calls
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, client.calls

    def read_items(self) -> Items:
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=os.environ["TABLE_NAME"])
        return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}

    def restore(self, items: Items) -> None:
        """Write all items of an earlier state, and delete all others."""
        table = os.environ["TABLE_NAME"]
        for key, item in self.read_items().items():
            if key not in items:
                self.operator.dynamodb_client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        for item in items.values():
            self.operator.dynamodb_client.put_item(TableName=table, Item=item)


@pytest.fixture
def commands(direct: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Fill a tenant, and return what runs commands on it."""
    user_id = direct.create(userName=ADA, externalId="ada")["id"]
    direct.create(userName="bob", externalId="bob")
    direct.create(userName="carl", externalId="carl")
    direct.request("GET", "/Users?sortBy=userName&count=1")
    direct.request("POST", "/Users", {"schemas": [CORE], "userName": ADA, "active": "perhaps"})
    direct.patch(user_id, {"op": "replace", "path": "userName", "value": "lovelace@example.com"})
    direct.request("DELETE", f"/Users/{user_id}")
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    commands = Commands(operator, monkeypatch)
    other = operator.build_administration().tenants.connect("other").token
    Endpoint(other, ScimApplication(find_endpoint)).request("GET", "/Users?count=1")
    return commands


def get_tenant(direct: Endpoint) -> str:
    token = parse_token(direct.token)
    assert token is not None
    return token.tenant_id


def choose_calls(calls: int) -> range:
    """Return the numbers of the calls at which a command is killed: all in a full run, otherwise every fourth."""
    return range(1, calls + 1, 1 if SIZE_PERCENT == 100 else 4)


@pytest.mark.parametrize("is_sent", [False, True])
def test_killed_purge_can_be_finished(direct: Endpoint, commands: Commands, is_sent: bool) -> None:
    tenant = get_tenant(direct)
    administration = commands.operator.build_administration()
    administration.invitations.invite(tenant, 3_600)
    administration.tenants.disconnect(tenant)
    before = commands.read_items()
    _, calls = commands.run("purge", tenant)
    others = {key: item for key, item in before.items() if tenant not in str(item)}
    assert calls > 15
    assert len(before) - len(others) > 15

    for number in choose_calls(calls):
        commands.restore(before)
        code, _ = commands.run("purge", tenant, kill_at=number, is_sent=is_sent)
        assert code == -1
        assert commands.run("purge", tenant)[0] in (0, 3)

        after = commands.read_items()
        stack_level = [key for key in after if key[0] in ("TASKS", "CERTIFICATES")]
        assert {key: item for key, item in after.items() if key not in stack_level} == others, number
        assert sorted(partition for partition, _ in stack_level) == ["CERTIFICATES", "TASKS"], number
        assert ADA not in str(after)
    secrets = boto3.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert [secret for secret in secrets if tenant in secret["Name"]] == []


@pytest.mark.parametrize("is_sent", [False, True])
def test_killed_erasure_can_be_finished(direct: Endpoint, commands: Commands, is_sent: bool) -> None:
    tenant = get_tenant(direct)
    before = commands.read_items()
    code, calls = commands.run("erase", tenant, ADA)
    after = commands.read_items()
    erased = {key for key in before if key not in after}
    assert (code, len(erased)) == (0, 6)  # three change records, a failure, the id of its request, and a bookmark

    for number in choose_calls(calls):
        commands.restore(before)
        assert commands.run("erase", tenant, ADA, kill_at=number, is_sent=is_sent)[0] == -1
        assert commands.run("erase", tenant, ADA)[0] in (0, 3)

        items = commands.read_items()
        added = [key[1] for key in items if key not in before]
        assert {key for key in before if key not in items} == erased, number
        assert sorted(key[:2] for key in added) == ["A#", "C#"], number
        assert ADA not in str(items)
