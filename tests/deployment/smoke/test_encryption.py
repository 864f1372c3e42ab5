"""The checks of a stack with the parameter ``KmsKeyArn``. The emulated stack has no key."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from cli.deployment import Deployment
from deployment.smoke.check import CheckFailed, NotApplicable
from deployment.smoke.checks.permissions import check_key
from deployment.smoke.checks.resources import check_encryption
from deployment.smoke.run import SmokeRun
from deployment.smoke.stack import FUNCTIONS, Stack

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"
OTHER_KEY = f"{KEY[:-1]}2"


@pytest.fixture
def run() -> SmokeRun:
    """A run against a stack with a key."""
    stack = Stack(boto3.Session(region_name="eu-west-1"), "muster")
    vars(stack)["parameters"] = {"KmsKeyArn": KEY}
    vars(stack)["role_arns"] = {name: f"arn:aws:iam::123456789012:role/{name}" for name in FUNCTIONS}
    return SmokeRun(stack, cast(Deployment, None), "https://scim.example.com/scim/v2")


def test_checks_do_not_apply_without_key(run: SmokeRun) -> None:
    vars(run.stack)["parameters"] = {"KmsKeyArn": ""}
    for check in (check_encryption, check_key):
        with pytest.raises(NotApplicable, match="KmsKeyArn is empty"):
            check(run)


@pytest.mark.parametrize(
    ("table_key", "queue_key", "problem"),
    [(KEY, KEY, None), (OTHER_KEY, KEY, "The table is not"), (KEY, OTHER_KEY, "LinksQueue is not")],
)
def test_table_and_queues_use_key(
    aws: None, run: SmokeRun, table_key: str, queue_key: str, problem: str | None
) -> None:
    dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
    dynamodb.create_table(
        TableName="encrypted",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": table_key},
    )
    queue = sqs.create_queue(QueueName="encrypted", Attributes={"KmsMasterKeyId": queue_key})["QueueUrl"]
    vars(run.stack)["outputs"] = {"TableName": "encrypted"}
    vars(run.stack)["resources"] = {"AWS::SQS::Queue": {"LinksQueue": queue}}
    try:
        if problem is None:
            assert check_encryption(run) == KEY
        else:
            with pytest.raises(CheckFailed, match=problem):
                check_encryption(run)
    finally:
        dynamodb.delete_table(TableName="encrypted")
        sqs.delete_queue(QueueUrl=queue)


def answer(allows: Callable[[str], bool]) -> Any:
    """Return a client of IAM that decides by the service through which the key is used, empty for direct use."""

    def simulate(ContextEntries: list[Mapping[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803 - name of the API
        (via,) = [entry["ContextKeyValues"][0] for entry in ContextEntries] or [""]
        return {"EvaluationResults": [{"EvalDecision": "allowed" if allows(via) else "implicitDeny"}]}

    return SimpleNamespace(simulate_principal_policy=simulate)


@pytest.mark.parametrize(
    ("allows", "problem"),
    [
        (bool, None),
        (lambda via: via.startswith(("dynamodb", "secretsmanager")), "IAM denies UsersFunction: kms:Decrypt"),
        (lambda _: True, "without a service"),
    ],
    ids=["healthy", "not with SQS", "directly"],
)
def test_roles_use_key_through_services(
    run: SmokeRun, monkeypatch: pytest.MonkeyPatch, allows: Callable[[str], bool], problem: str | None
) -> None:
    monkeypatch.setattr(Stack, "create_client", lambda *_: answer(allows))
    if problem is None:
        assert check_key(run) == f"{len(FUNCTIONS)} functions"
    else:
        with pytest.raises(CheckFailed, match=problem):
            check_key(run)
