"""Changes to moto that make thousands of tests fast: moto uses less memory, and its DynamoDB takes less time.

The responses stay the same: ``tests/test_fast_moto.py`` compares them with those of unchanged moto.
"""

import base64
import copy
import functools
import json
from collections import defaultdict
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from moto import backend_index
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.common_models import BaseModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.core.utils import method_names_from_class
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

_ITEM_OPERATIONS = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}
_SERVICES = ("dynamodb", "secretsmanager")


def patch_moto(patch: pytest.MonkeyPatch) -> None:
    """Change moto until the end of ``patch``."""
    patch.setattr(BaseModel, "__new__", _make_untracked)
    patch.setattr(BotocoreStubber, "process_request", _process_one_at_a_time(BotocoreStubber.process_request))
    patch.setattr(Table, "__deepcopy__", _copy_table, raising=False)
    patch.setattr(DynamoDBBackend, "update_item", _copy_item_before(DynamoDBBackend.update_item))
    patch.setattr(DynamoHandler, "serialized", _serialize_items_as_they_are(DynamoHandler.serialized))
    patch.setattr("moto.core.responses.method_names_from_class", functools.cache(method_names_from_class))
    services = sorted(backend_index.backend_url_patterns, key=lambda pattern: pattern[0] not in _SERVICES)
    patch.setattr(backend_index, "backend_url_patterns", services)  # the search for a service takes the first match


def add_table(region: str, table: Table) -> None:
    """Add an empty table with the definition of another table, or replace that table."""
    empty = copy.copy(table)
    empty.items = defaultdict(dict)
    dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables[table.name] = empty


def remove_table(region: str, name: str) -> Table:
    """Remove a table and return it."""
    table: Table = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables.pop(name)
    return table


def _make_untracked(cls: type, *_: Any, **__: Any) -> Any:
    """Create an object of moto without keeping a reference to it.

    Moto keeps all objects of its models until it is reset, including a copy of the whole table for each action of
    each transaction. They would take gigabytes in a test run.
    """
    return object.__new__(cls)


def _process_one_at_a_time(process: Callable[..., Any]) -> Callable[..., Any]:
    """Process one request at a time, because moto's transactions are not isolated.

    A failing transaction restores the table as it was at its start and would lose parallel writes, such as those of a
    bulk request. Requests to real engines do not wait.
    """
    lock = Lock()

    def process_alone(*arguments: Any) -> Any:
        with lock:
            return process(*arguments)

    return process_alone


def _copy_table(table: Table, _: dict[int, Any]) -> Table:
    """Copy a table without copying its items, which are never changed in place (``_copy_item_before``).

    Moto copies the table for each action of a transaction, to restore it if the transaction fails.
    """
    copied = copy.copy(table)
    copied.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    return copied


def _copy_item_before(update: Callable[..., Any]) -> Callable[..., Any]:
    """Replace an item by a copy before moto updates it in place."""

    @functools.wraps(update)
    def update_copy(backend: DynamoDBBackend, table_name: str, key: Any, *arguments: Any, **options: Any) -> Any:
        table = backend.get_table(table_name)
        hash_value, range_value = backend.get_keys_value(table, key)
        if (item := table.get_item(hash_value, range_value)) is not None:
            table.items[hash_value][range_value] = copy.deepcopy(item)
        return update(backend, table_name, key, *arguments, **options)

    return update_copy


def _serialize_items_as_they_are(serialized: Callable[..., Any]) -> Callable[..., Any]:
    """Serialize results directly, because they are already in DynamoDB's JSON format."""

    def serialize_directly(handler: DynamoHandler, action_result: ActionResult) -> Any:
        result = action_result.result
        if isinstance(result, Exception) or handler._get_action() not in _ITEM_OPERATIONS:  # noqa: SLF001  # of moto
            return serialized(handler, action_result)
        headers = {"Content-Type": "application/x-amz-json-1.0", **handler.response_headers}
        return 200, headers, json.dumps(result, default=_encode_binary)

    return serialize_directly


def _encode_binary(value: bytes) -> str:
    return base64.b64encode(value).decode()
