"""A failed deployment is repeated, and data outlives its stack."""

import re
from typing import Any

import pytest

from tests.deployment.emulated.account import DeploymentError, EmulatedAccount
from tests.deployment.emulated.stack import DeployedStack
from tests.endpoint import CORE

pytestmark = pytest.mark.nightly


def _copy_table(client: Any, source: str, target: str) -> None:
    """Copy the items of a table to a new one, which has keys and indexes and no other setting, as after a restore."""
    table = client.describe_table(TableName=source)["Table"]
    index = {key: table["GlobalSecondaryIndexes"][0][key] for key in ("IndexName", "KeySchema", "Projection")}
    client.create_table(
        TableName=target,
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in client.scan(TableName=source)["Items"]:
        client.put_item(TableName=target, Item=item)


def _send(stack: DeployedStack, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    with stack.account.open_http_client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        response = client.request(method, stack.url + path, json=body, headers=headers)
        return response.status_code, response.json()


def test_failed_deployment_is_repeated_and_data_outlives_stacks(account: EmulatedAccount) -> None:
    dynamodb, secrets = account.client("dynamodb"), account.client("secretsmanager")
    account.client("events").create_event_bus(Name="muster")  # the name that the stack wants
    with pytest.raises(DeploymentError, match="already exists"):
        account.deploy("muster")
    assert account.list_stacks() == []
    assert dynamodb.list_tables()["TableNames"] == []
    assert secrets.list_secrets()["SecretList"] == []

    account.client("events").delete_event_bus(Name="muster")
    stack = account.deploy("muster")
    outputs = stack.outputs
    table = dynamodb.describe_table(TableName=outputs["TableName"])["Table"]
    assert table["DeletionProtectionEnabled"] is True

    token = stack.muster("connect", "acme")["token"]
    status, created = _send(stack, token, "POST", "/Users", {"schemas": [CORE], "userName": "ada@example.com"})
    assert status == 201

    account.delete("muster")
    assert account.list_stacks() == []
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix=outputs["FunctionLogGroup"])["logGroups"]
    assert len(groups) == 1
    existing = [f"{name}={outputs[name]}" for name in ("TableName", "StreamArn")]
    secret_parameters = [f"{name}={outputs[name]}" for name in ("MasterKeySecret", "SecretPrefix")]
    other = account.deploy("other", *existing, *secret_parameters)
    assert {name: other.outputs[name] for name in ("TableName", "StreamArn", "SecretPrefix", "MasterKeySecret")} == {
        name: outputs[name] for name in ("TableName", "StreamArn", "SecretPrefix", "MasterKeySecret")
    }
    path = f"/Users/{created['id']}"
    status, same = _send(other, token, "GET", path)
    assert (status, same["id"], same["userName"]) == (200, created["id"], "ada@example.com")

    _copy_table(dynamodb, outputs["TableName"], "restored")
    report = account.run_deployment("table_protection", "restored")
    restored = re.findall(r"(?:TableName|StreamArn)=\S+", report)
    other = account.deploy("other", *restored, *secret_parameters)
    assert other.outputs["TableName"] == "restored"
    dynamodb.update_table(TableName=outputs["TableName"], DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=outputs["TableName"])
    assert _send(other, token, "GET", path)[0] == 200
