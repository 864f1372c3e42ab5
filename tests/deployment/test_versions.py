"""One earlier version of each function is kept, and a rollback returns to it."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.versions import ALIAS, RollbackError, delete_unused_versions, list_functions, roll_back
from tests.template.deployment import DEPLOYMENT, with_all_functions


class FakeLambda:
    """Lambda with functions whose versions were published at a minute of an hour. The last one is live."""

    def __init__(self, **functions: dict[int, int]) -> None:
        self.functions = functions
        self.rejected = ""
        self.live = {name: max(days) for name, days in functions.items()}

    def get_paginator(self, operation: str) -> "FakeLambda":
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, FunctionName: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - names of boto3
        """Yield a page for each version, and one with the unpublished version."""
        yield {"Versions": [{"Version": "$LATEST", "LastModified": "2026-11-30T10:00:00.000+0000"}]}
        for number, minute in self.functions[FunctionName].items():
            published = f"2026-11-30T10:{minute:02}:0{number}.000+0000"
            yield {"Versions": [{"Version": str(number), "LastModified": published}]}

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, str]:  # noqa: N803
        assert Name == ALIAS
        return {"FunctionVersion": str(self.live[FunctionName])}

    def update_alias(self, FunctionName: str, Name: str, FunctionVersion: str) -> None:  # noqa: N803
        assert Name == ALIAS
        if FunctionName == self.rejected:
            raise ClientError(
                {"Error": {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}}, "UpdateAlias"
            )
        self.live[FunctionName] = int(FunctionVersion)

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        assert int(Qualifier) != self.live[FunctionName]  # Lambda rejects it
        del self.functions[FunctionName][int(Qualifier)]


@with_all_functions
def test_template_keeps_versions_behind_alias(function: str) -> None:
    properties = DEPLOYMENT.get_function(function)
    assert properties["VersionDeletionPolicy"] == "Retain"
    assert properties["AutoPublishAlias"] == ALIAS


def test_live_and_earlier_version_are_kept() -> None:
    client = FakeLambda(users={1: 1, 2: 2, 3: 3, 5: 5}, links={1: 1})
    lines = list(delete_unused_versions(client, {"users": 5, "links": 1}))
    assert client.functions == {"users": {3: 3, 5: 5}, "links": {1: 1}}
    assert lines == ["users: live version 5, earlier version 3", "links: live version 1"]


def test_version_of_failed_deployment_is_deleted() -> None:
    """Otherwise Lambda rejects the same code at the next attempt, or a later rollback would return to this version."""
    client = FakeLambda(users={1: 1, 2: 2, 3: 3})
    client.live["users"] = 2
    list(delete_unused_versions(client, {"users": 2}))
    assert client.functions == {"users": {1: 1, 2: 2}}


def test_version_of_stack_is_kept_after_rollback() -> None:
    """CloudFormation returns the alias to it if the next deployment fails."""
    client = FakeLambda(users={1: 1, 2: 2, 3: 3})
    client.live["users"] = 2
    list(delete_unused_versions(client, {"users": 3}))
    assert client.functions == {"users": {1: 1, 2: 2, 3: 3}}


def test_versions_of_failed_deployments_are_deleted_before_the_next() -> None:
    """Afterwards, the version of a failed deployment would be the predecessor of the live version."""
    output = subprocess.run(["make", "-n", "deploy"], check=True, capture_output=True, text=True).stdout
    commands = [word for line in output.splitlines() for word in ("sam deploy", "deployment.versions") if word in line]
    assert commands == ["deployment.versions", "sam deploy", "deployment.versions"]


def test_rollback_moves_alias_to_earlier_version() -> None:
    client = FakeLambda(users={3: 3, 5: 5}, links={2: 3, 4: 5})
    assert list(roll_back(client, {"users": 5, "links": 4})) == [
        "users: live version 3, before 5",
        "links: live version 2, before 4",
    ]
    assert client.live == {"users": 3, "links": 2}
    assert client.functions == {"users": {3: 3, 5: 5}, "links": {2: 3, 4: 5}}


def test_rollback_skips_functions_that_did_not_change() -> None:
    """The earlier version of such a function is older than the release that the others return to."""
    client = FakeLambda(admin={3: 1, 5: 31}, rotation={1: 0, 2: 1})
    list(roll_back(client, {"admin": 5, "rotation": 2}))
    assert client.live == {"admin": 3, "rotation": 2}


def test_second_rollback_is_error() -> None:
    """Also if a function that did not change still has an earlier version."""
    client = FakeLambda(admin={3: 1, 5: 31}, rotation={1: 0, 2: 1})
    functions = {"admin": 5, "rotation": 2}
    list(roll_back(client, functions))
    with pytest.raises(RollbackError, match="already"):
        list(roll_back(client, functions))
    assert client.live == {"admin": 3, "rotation": 2}


def test_rollback_that_failed_can_be_repeated() -> None:
    client = FakeLambda(users={1: 1, 2: 2}, links={1: 1, 2: 2}, admin={1: 1, 2: 2})
    functions = dict.fromkeys(client.functions, 2)
    client.rejected = "links"
    lines = roll_back(client, functions)
    assert next(lines) == "users: live version 1, before 2"
    with pytest.raises(ClientError):
        next(lines)
    client.rejected = ""
    assert len(list(roll_back(client, functions))) == 2
    assert client.live == {"users": 1, "links": 1, "admin": 1}


class FakeCloudFormation:
    """CloudFormation with the resources of a stack in several pages."""

    def get_paginator(self, operation: str) -> "FakeCloudFormation":
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        if StackName != "muster":
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "ListStackResources")
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:users"
        for kind, name, status in (
            ("AWS::Lambda::Function", "users", "UPDATE_COMPLETE"),
            ("AWS::Lambda::Version", f"{arn}:2", "CREATE_COMPLETE"),
            ("AWS::Lambda::Version", f"{arn}:3", "DELETE_SKIPPED"),
        ):
            resource = {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": status}
            yield {"StackResourceSummaries": [resource]}


def test_functions_of_stack() -> None:
    assert list_functions(FakeCloudFormation(), "muster") == {"users": 2}


def test_stack_without_deployment_has_no_functions() -> None:
    assert list_functions(FakeCloudFormation(), "other") == {}
