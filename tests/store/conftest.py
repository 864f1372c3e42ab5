"""The store on moto, for one tenant and one request."""

from typing import Any

import boto3
import pytest

from scim import wiring
from scim.protocol.schema import load_user_type
from scim.service.model.tenant import Tenant
from scim.settings import Settings
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from tests.tokens import raise_fault


@pytest.fixture
def adapters(settings: Settings) -> wiring.EndpointAdapters:
    return wiring.build_endpoint(settings, raise_fault)


@pytest.fixture
def dynamo(adapters: wiring.EndpointAdapters) -> Table:
    return adapters.dynamo(wiring.deadline(29))


@pytest.fixture
def store(adapters: wiring.EndpointAdapters, dynamo: Table) -> DynamoDBResourceStore:
    return adapters.resources(dynamo, Tenant("acme"), load_user_type())


@pytest.fixture
def items(table: Any) -> Any:
    """All items of the table: a function, by sort key."""

    def items() -> dict[str, dict[str, Any]]:
        client = boto3.client("dynamodb")
        found = client.scan(TableName=table.name)["Items"]
        return {item["sk"]["S"]: item for item in found}

    return items
