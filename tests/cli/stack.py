"""A session with a fake CloudFormation, because moto's requires more packages. The rest is moto's."""

from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.endpoint import BASE_URL, ENVIRONMENT

OUTPUTS = {
    "TableName": ENVIRONMENT["TABLE_NAME"],
    "SecretPrefix": ENVIRONMENT["SECRET_PREFIX"],
    "MasterKeySecret": ENVIRONMENT["MASTER_KEY_SECRET"],
    "ScimUrl": BASE_URL,
    "IndexedAttributes": "externalId,emails.value",
    "RestoredAt": "0",
    "ChangeRetentionDays": "400",
}


META = SimpleNamespace(region_name="eu-west-1", events=SimpleNamespace(register=lambda *_, **__: None))
"""The metadata of a fake client."""


class CloudFormation:
    """A fake of CloudFormation with the stack ``muster``, and ``other``, which has no outputs."""

    meta = META

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        if StackName not in ("muster", "other"):
            error: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = OUTPUTS if StackName == "muster" else {}
        return {
            "Stacks": [
                {
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                    "Parameters": [{"ParameterKey": "LogRetentionDays", "ParameterValue": "90"}],
                }
            ]
        }


class Session:
    """A fake of :class:`boto3.Session`."""

    def __init__(self, *, profile_name: str | None, region_name: str | None, timeout_s: float | None) -> None:
        self.profile = profile_name
        self.region = region_name
        self.timeout_s = timeout_s

    def client(self, name: str, **arguments: Any) -> Any:
        if name in FAKE_CLIENTS:
            client = FAKE_CLIENTS[name] or SimpleNamespace()  # none has no method: it must not be used
            client.meta = getattr(client, "meta", META)
            return client
        return (
            CloudFormation() if name == "cloudformation" else boto3.client(name, region_name=self.region, **arguments)
        )


FAKE_CLIENTS: dict[str, Any] = {}
"""The fake clients of a test, by service."""
