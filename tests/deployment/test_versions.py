"""One earlier version of each function is kept, and a rollback returns to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployment.versions import ALIAS, RollbackError, delete_unused_versions, list_functions, roll_back
from tests.template.deployment import DEPLOYMENT, with_all_functions


class FakeLambda:
    """Lambda with functions whose versions were published at a day of November. The last one is live."""

    def __init__(self, **functions: dict[int, int]) -> None:
        self.functions = functions
        self.live = {name: max(days) for name, days in functions.items()}

    def get_paginator(self, operation: str) -> "FakeLambda":
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, FunctionName: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - names of boto3
        """Yield a page for each version, and one with the unpublished version."""
        yield {"Versions": [{"Version": "$LATEST", "LastModified": "2026-11-30T10:00:00.000+0000"}]}
        for number, day in self.functions[FunctionName].items():
            yield {"Versions": [{"Version": str(number), "LastModified": f"2026-11-{day:02}T10:00:0{number}.000+0000"}]}

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, str]:  # noqa: N803
        assert Name == ALIAS
        return {"FunctionVersion": str(self.live[FunctionName])}

    def update_alias(self, FunctionName: str, Name: str, FunctionVersion: str) -> None:  # noqa: N803
        assert Name == ALIAS
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
    lines = delete_unused_versions(client, ["users", "links"])
    assert client.functions == {"users": {3: 3, 5: 5}, "links": {1: 1}}
    assert lines == ["users: live version 5, earlier version 3", "links: live version 1"]


def test_version_of_failed_deployment_is_deleted() -> None:
    client = FakeLambda(users={1: 1, 2: 2, 3: 3})
    client.live["users"] = 2
    delete_unused_versions(client, ["users"])
    assert client.functions == {"users": {1: 1, 2: 2}}


def test_rollback_moves_alias_to_earlier_version() -> None:
    client = FakeLambda(users={3: 3, 5: 5}, links={2: 3, 4: 5})
    assert roll_back(client, ["users", "links"]) == [
        "users: live version 3, before 5",
        "links: live version 2, before 4",
    ]
    assert client.live == {"users": 3, "links": 2}
    assert client.functions == {"users": {3: 3, 5: 5}, "links": {2: 3, 4: 5}}


def test_rollback_skips_functions_that_did_not_change() -> None:
    """The earlier version of such a function is older than the release that the others return to."""
    client = FakeLambda(users={3: 3, 5: 5}, rotation={1: 1, 2: 3})
    roll_back(client, ["users", "rotation"])
    assert client.live == {"users": 3, "rotation": 2}


def test_second_rollback_is_error() -> None:
    client = FakeLambda(users={3: 3, 5: 5})
    roll_back(client, ["users"])
    with pytest.raises(RollbackError, match="no earlier version"):
        roll_back(client, ["users"])
    assert client.live == {"users": 3}


class FakeCloudFormation:
    """CloudFormation with the resources of a stack in two pages."""

    def get_paginator(self, operation: str) -> "FakeCloudFormation":
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for kind, name in (("AWS::Lambda::Function", "users"), ("AWS::Lambda::Version", "arn:users:1")):
            yield {"StackResourceSummaries": [{"ResourceType": kind, "PhysicalResourceId": f"{StackName}-{name}"}]}


def test_functions_of_stack() -> None:
    assert list_functions(FakeCloudFormation(), "muster") == ["muster-users"]
