"""Deploy with the SAM CLI to an emulator of AWS: a failed deployment is repeated, and data outlives its stack.

The emulator is ministack with all services. It applies the transform of SAM with the packages of the SAM CLI. It
supports no alarms on several metrics, so one alarm of the template makes the first deployment fail. The handlers run on
this machine, with the variables of the deployed functions.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.services.server_process import find_free_port
from tests.endpoint import CORE

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam/bin"
pytestmark = pytest.mark.nightly

_INVOKE = """
import importlib, json, sys
from tests.endpoint import LambdaContext
handler = importlib.import_module("handlers.users").handler
print(json.dumps(handler(json.load(sys.stdin), LambdaContext())), file=sys.__stderr__)
"""


class Account:
    """An AWS account on the emulator."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self._variables = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        self.cloudformation = self.client("cloudformation")
        self.dynamodb = self.client("dynamodb")

    def client(self, service: str) -> Any:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")
        return session.client(service, endpoint_url=self._variables["AWS_ENDPOINT_URL"])

    def run(self, *command: str | Path, check: bool = True, **variables: str) -> str:
        """Run a command, and return what it prints."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._directory), "SAM_CLI_TELEMETRY": "0"}
        environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"} | self._variables | variables
        result = subprocess.run(command, cwd=self._directory, env=environment, capture_output=True, text=True)
        assert (result.returncode == 0) == check, result.stdout[-3000:] + result.stderr[-3000:]
        return result.stdout + result.stderr

    def deploy(self, stack: str, *parameters: str, succeeds: bool = True) -> dict[str, str]:
        """Deploy a stack as ``make deploy`` does, and return its outputs."""
        overrides = ["--parameter-overrides", *parameters] if parameters else []
        options = [f"--stack-name={stack}", "--capabilities=CAPABILITY_IAM", "--resolve-s3", "--on-failure=DELETE"]
        self.run(SAM / "sam", "deploy", "--no-confirm-changeset", *options, *overrides, check=succeeds)
        if not succeeds:
            return {}
        (self._directory / "samconfig.toml").write_text(
            f'version = 0.1\n[default.global.parameters]\nstack_name = "{stack}"\n'
        )
        self.run(SAM / "python", "-m", "deployment.table_protection", "default")
        (description,) = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}

    def delete(self, stack: str) -> None:
        """Delete a stack, as an operator does."""
        self.run(SAM / "sam", "delete", "--no-prompts", f"--stack-name={stack}", "--region=eu-west-1")

    def invoke(self, stack: str, token: str, method: str, path: str, body: Any = None) -> Any:
        """Send a request to ``UsersFunction`` with its deployed variables. Return the status and the body."""
        resources = self.cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        (name,) = [item["PhysicalResourceId"] for item in resources if item["LogicalResourceId"] == "UsersFunction"]
        configuration = self.client("lambda").get_function_configuration(FunctionName=name)
        event = json.loads((ROOT / "events/users-get.json").read_text())
        event |= {"rawPath": path, "rawQueryString": "", "body": json.dumps(body) if body else None}
        event["headers"] |= {"authorization": f"Bearer {token}"}
        event["requestContext"]["http"] |= {"method": method, "path": path}
        result = subprocess.run(
            [sys.executable, "-c", _INVOKE],
            env={
                **configuration["Environment"]["Variables"],
                **self._variables,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            },
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=True,
        )
        response = json.loads(result.stderr.splitlines()[-1])
        return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    port = find_free_port()
    site_packages = next((ROOT / ".venv-ministack/lib").glob("python3.*/site-packages"))
    variables = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "HOME": str(tmp_path)}
    variables |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(site_packages)}
    with (
        (tmp_path / "emulator.log").open("w") as log,
        subprocess.Popen(
            [SAM / "python", Path(__file__).with_name("emulator.py")], env=variables, stdout=log, stderr=log
        ) as emulator,
    ):
        try:
            account = Account(tmp_path, port)
            _wait_for(account)
            yield account
        finally:
            emulator.terminate()


def _wait_for(account: Account) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            account.dynamodb.list_tables()
        except EndpointConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return


def _write_template(path: Path, *, is_complete: bool) -> None:
    """Write the template, without the alarm that the emulator does not support unless ``is_complete``."""
    text = (ROOT / "template.yaml").read_text().replace("CodeUri: src/", f"CodeUri: {ROOT / 'src'}/")
    if not is_complete:
        text, count = re.subn(r"  ThrottleAlarm:\n(?:(?:    .*)?\n)+", "", text)
        assert count == 1
    path.write_text(text)


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


def _list_stacks(account: Account) -> list[str]:
    stacks = account.cloudformation.describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in stacks if stack["StackName"] in ("muster", "other")]


def test_failed_deployment_is_repeated_and_data_outlives_stacks(account: Account, tmp_path: Path) -> None:
    _write_template(tmp_path / "template.yaml", is_complete=True)
    account.deploy("muster", succeeds=False)
    assert _list_stacks(account) == []
    assert account.dynamodb.list_tables()["TableNames"] == []
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []
    assert account.client("logs").describe_log_groups()["logGroups"] != []

    _write_template(tmp_path / "template.yaml", is_complete=False)
    outputs = account.deploy("muster")
    table = account.dynamodb.describe_table(TableName=outputs["TableName"])["Table"]
    assert table["DeletionProtectionEnabled"] is True

    connected = json.loads(account.run(sys.executable, "-m", "cli", "connect", "acme", "--stack=muster", "--json"))
    token = connected["token"]
    user = {"schemas": [CORE], "userName": "ada@example.com"}
    status, created = account.invoke("muster", token, "POST", "/scim/v2/Users", user)
    assert status == 201

    account.delete("muster")
    assert _list_stacks(account) == []
    key = account.client("secretsmanager").describe_secret(SecretId=outputs["MasterKeySecret"])["ARN"]
    secrets = [f"MasterKeySecret={key}", f"SecretPrefix={outputs['SecretPrefix']}"]
    existing = [f"TableName={outputs['TableName']}", f"StreamArn={outputs['StreamArn']}"]
    other = account.deploy("other", *existing, *secrets)
    assert {name: other[name] for name in ("TableName", "StreamArn", "SecretPrefix")} == {
        name: outputs[name] for name in ("TableName", "StreamArn", "SecretPrefix")
    }
    path = f"/scim/v2/Users/{created['id']}"
    assert account.invoke("other", token, "GET", path) == (200, created)

    _copy_table(account.dynamodb, outputs["TableName"], "restored")
    report = account.run(SAM / "python", "-m", "deployment.table_protection", "default", "restored")
    restored = re.findall(r"(?:TableName|StreamArn)=\S+", report)
    assert account.deploy("other", *restored, *secrets)["TableName"] == "restored"
    account.dynamodb.update_table(TableName=outputs["TableName"], DeletionProtectionEnabled=False)
    account.dynamodb.delete_table(TableName=outputs["TableName"])
    assert account.invoke("other", token, "GET", path)[0] == 200
