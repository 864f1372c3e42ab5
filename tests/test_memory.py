"""The memory of shared objects does not grow with the number of tests."""

import gc
from typing import Any

import boto3
import pytest
from moto.dynamodb.models.table import Table

from tests.events.fakes import NO_ANSWER, FakeEventBridge


def test_moto_keeps_no_copies_of_table(table: Any) -> None:
    """Moto copies the table for each action of a transaction."""
    client = boto3.client("dynamodb")
    before = _count_tables()
    for number in range(5):
        puts = [{"Put": {"TableName": table.name, "Item": _item(f"{number}-{n}")}} for n in range(5)]
        client.transact_write_items(TransactItems=puts)
    assert _count_tables() == before


def _count_tables() -> int:
    gc.collect()
    return sum(isinstance(instance, Table) for instance in gc.get_objects())


def _item(sort: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": "p"}, "sk": {"S": sort}}


def test_repeated_failure_of_fake_keeps_no_traceback() -> None:
    """An exception that is raised repeatedly would collect tracebacks with references to all local variables."""
    events = FakeEventBridge(NO_ANSWER, NO_ANSWER)
    for _ in range(2):
        with pytest.raises(type(NO_ANSWER)):
            events.put_events(Entries=[{}])
    assert NO_ANSWER.__traceback__ is None
