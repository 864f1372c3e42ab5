"""Test that the calls of a paced table charge what they consume, and when they give up."""

from collections.abc import Callable
from typing import Any, cast

import boto3
import pytest

from scim.aws.errors import ErrorResponse
from scim.protocol.errors import Unavailable
from scim.service.maintenance.pacer import Pacer
from scim.store import keys
from scim.store.maintenance.paced_client import PATIENCE_S, open_paced_table
from scim.store.maintenance.partitions import list_tenant_partitions, read_pages
from scim.store.table import Table
from tests.endpoint import Endpoint
from tests.fake_clock import FakeClock


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pacer(fake_clock: FakeClock) -> Pacer:
    return Pacer(10, fake_clock.now, fake_clock.sleep)


class FakeClient:
    """A client whose calls return, one after the other, a response or an error."""

    def __init__(self, outcomes: Callable[[], Any]) -> None:
        self._outcomes = outcomes

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            assert arguments["ReturnConsumedCapacity"] == "TOTAL"
            outcome = self._outcomes()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return call


def open_table(fake_clock: FakeClock, pacer: Pacer, outcomes: Callable[[], Any]) -> Table:
    return open_paced_table(cast("Any", FakeClient(outcomes)), "muster", pacer, fake_clock.now, fake_clock.sleep)


def throttle(code: str = "ThrottlingException", *reasons: str) -> ErrorResponse:
    return ErrorResponse("operation", code, cancellation_reasons=[{"Code": reason} for reason in reasons])


def test_reads_and_writes_are_charged(fake_clock: FakeClock, pacer: Pacer) -> None:
    units = {"CapacityUnits": 7.5}
    outcomes = iter(
        [
            {"Items": [], "ConsumedCapacity": units},
            {"Responses": {"muster": []}, "ConsumedCapacity": [units, units]},
            {"ConsumedCapacity": [units]},
            {},
        ]
    )
    table = open_table(fake_clock, pacer, lambda: next(outcomes))
    assert list(table.query("T#acme", keys.user_range())) == []
    assert table.get_all("T#acme", ["U#1"]) == []
    assert pacer.write_units == 0
    table.write_all(delete=[keys.primary_key("T#acme", "U#1")])
    table.transact_once([], "token")
    assert (pacer.calls, pacer.read_units, pacer.write_units) == (4, 22.5, 7.5)
    assert fake_clock.total_s == pytest.approx(22.5 / 300 + (7.5 / 100))


@pytest.mark.parametrize(
    "error",
    [
        throttle(),
        throttle("InternalServerError"),
        throttle("TransactionCanceledException", "ThrottlingError"),
    ],
)
def test_calls_fail_after_a_minute_without_an_answer(fake_clock: FakeClock, pacer: Pacer, error: Exception) -> None:
    table = open_table(fake_clock, pacer, lambda: error)
    with pytest.raises(ErrorResponse):
        table.transact_once([], "token")
    start = fake_clock.now()
    while table.deadline.has_time():
        fake_clock.sleep(0.1)
    assert PATIENCE_S - 5 < fake_clock.now() - start < PATIENCE_S
    with pytest.raises(Unavailable):
        table.deadline.pause(9)


def test_work_of_hours_has_no_deadline(fake_clock: FakeClock, pacer: Pacer) -> None:
    """Throttling now and then, and long pauses of the work itself, do not add up."""
    answer: dict[str, Any] = {"Items": [], "LastEvaluatedKey": keys.primary_key("T#acme", "U#1")}
    failed = throttle("ConditionalCheckFailedException")
    outcomes = iter([answer, throttle(), answer, throttle(), failed, answer, {"Items": []}] * 2)
    table = open_table(fake_clock, pacer, lambda: next(outcomes))
    pages = table.query_pages("T#acme", keys.user_range())
    for _ in range(2):
        next(pages)
        fake_clock.sleep(PATIENCE_S * 10)
    with pytest.raises(ErrorResponse):
        table.transact_once([], "token")
    with pytest.raises(ErrorResponse):
        table.transact_once([], "token")
    fake_clock.sleep(PATIENCE_S * 10)
    assert [len(items) for items, _ in pages] == [0, 0]


def test_pages_have_all_items_of_a_tenant(scim: Endpoint, fake_clock: FakeClock, pacer: Pacer) -> None:
    """All items but the entry in the list of tenants are in the partitions of the tenant, from any position."""
    for number in range(3):
        scim.create(userName=f"user-{number}@example.com", externalId=f"{number}")
    scim.request("GET", "/Users?startIndex=1&count=2")
    scim.request("POST", "/Users", {"userName": ""})
    client: Any = boto3.client("dynamodb")
    table = open_paced_table(client, "muster", pacer, fake_clock.now, fake_clock.sleep)
    tenant_id = scim.token.split("_")[1]
    expected = sorted((item["pk"]["S"], item["sk"]["S"]) for item in client.scan(TableName="muster")["Items"])
    partitions = list_tenant_partitions(tenant_id)
    read = [(key, item["sk"]["S"]) for key in partitions for page in read_pages(table, key) for item in page]
    assert sorted([*read, (keys.TENANT_LIST_PARTITION, tenant_id)]) == expected
    partition_key = keys.resource_partition(tenant_id)
    sort_keys = [sort_key for key, sort_key in read if key == partition_key]
    assert [item["sk"]["S"] for page in read_pages(table, partition_key, after=sort_keys[4]) for item in page] == (
        sort_keys[5:]
    )
