"""Fixtures that record the calls of a test, and the permissions that these need."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.client import BaseClient

from deployment.smoke.accesses import TRANSACTION_OPERATIONS
from tests.template_reader import Permission

Calls = list[tuple[str, str, dict[str, Any]]]
"""The service, the operation and the arguments of calls."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record the calls of the test to AWS."""
    calls: Calls = []
    call = vars(BaseClient)["_make_api_call"]  # all calls of all clients use it

    def record(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        calls.append((client.meta.service_model.service_name, operation, arguments))
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return calls


@pytest.fixture
def used_permissions(monkeypatch: pytest.MonkeyPatch) -> set[Permission]:
    """Record the permissions that the calls of the test need on AWS, except those for logs and traces."""
    permissions: set[Permission] = set()
    call = vars(BaseClient)["_make_api_call"]  # all calls of all clients use it

    def record(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        permissions.update(_list_permissions(client.meta.service_model.service_name, operation, arguments))
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return permissions


def _list_permissions(service: str, operation: str, arguments: Mapping[str, Any]) -> Iterator[Permission]:
    if operation != "TransactWriteItems":
        operation = "SendMessage" if operation == "SendMessageBatch" else operation  # IAM has one action for both
        for key in _describe_keys(arguments).split(", "):  # a batch can have several partitions
            yield Permission(f"{service}:{operation}", key)
        return
    # Each action may need the keys of all items of the transaction (tests.template.iam).
    keys = {_describe_keys(request) for action in arguments["TransactItems"] for request in action.values()}
    for part in {part for action in arguments["TransactItems"] for part in action}:
        for key in keys:
            yield Permission(f"{service}:{TRANSACTION_OPERATIONS[part]}", key, operation)


def _describe_keys(arguments: Mapping[str, Any]) -> str:
    """Return the partition keys in the arguments of a call, as patterns of a policy."""
    kinds = {f"{kind}*" for kind in re.findall(r"':?pk': {'S': '(.#)", repr(arguments))}
    kinds |= {partition for partition in ("TENANTS", "HEALTH") if f"{{'S': '{partition}'}}" in repr(arguments)}
    return ", ".join(sorted(kinds))
