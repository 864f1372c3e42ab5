"""The store on moto, for one tenant and one request."""

from typing import Any

import boto3
import pytest

from scim import wiring
from scim.protocol.schema import user_type
from scim.service.ports import Tenant
from scim.settings import Settings
from scim.store.dynamo import Dynamo
from scim.store.resources import ResourceStore
from tests.tokens import raise_fault


@pytest.fixture
def adapters(settings: Settings) -> wiring.Adapters:
    return wiring.adapters(settings, raise_fault)


@pytest.fixture
def dynamo(adapters: wiring.Adapters) -> Dynamo:
    return adapters.dynamo(wiring.deadline(29))


@pytest.fixture
def store(adapters: wiring.Adapters, dynamo: Dynamo) -> ResourceStore:
    return adapters.resources(dynamo, Tenant("acme"), user_type())


@pytest.fixture
def items(table: Any) -> Any:
    """All items of the table: a function, by sort key."""

    def items() -> dict[str, dict[str, Any]]:
        client = boto3.client("dynamodb")
        found = client.scan(TableName=table.name)["Items"]
        return {item["sk"]["S"]: item for item in found}

    return items
