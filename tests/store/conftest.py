"""The store on moto, for one tenant and one request."""

from typing import Any

import boto3
import pytest

from scim.protocol.schema import load_user_type
from scim.service.model.tenant import Tenant
from scim.settings import Settings
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring import runtime
from scim.wiring.scim_api import ScimApiAdapters, build_scim_api_adapters
from tests.tokens import raise_fault


@pytest.fixture
def adapters(settings: Settings) -> ScimApiAdapters:
    return build_scim_api_adapters(settings, raise_fault)


@pytest.fixture
def request_table(adapters: ScimApiAdapters) -> Table:
    return adapters.open_table(runtime.create_deadline(29))


@pytest.fixture
def store(adapters: ScimApiAdapters, request_table: Table) -> DynamoDBResourceStore:
    return adapters.build_resource_store(request_table, Tenant("acme"), load_user_type())


@pytest.fixture
def items(table: Any) -> Any:
    """Return a function that reads all items of the table, by sort key."""

    def read_items() -> dict[str, dict[str, Any]]:
        client = boto3.client("dynamodb")
        return {item["sk"]["S"]: item for item in client.scan(TableName=table.name)["Items"]}

    return read_items
