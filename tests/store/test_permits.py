"""Leases of permits in moto. ``tests/engine/test_rate_limit.py`` has simultaneous leases."""

from typing import Any

import boto3
import pytest

from scim.aws.botocore_client import BotocoreClient
from scim.aws.errors import ErrorResponse, NoResponse
from scim.service.model.rate_limit.bucket import BucketUnavailable, Lease, LeaseRequest, RateLimit
from scim.store.rate_limit.permits import DynamoDBPermitStore
from scim.store.table import Table
from scim.wiring import runtime
from tests.endpoint import ENVIRONMENT

LIMIT = RateLimit(10, 1_000)
NOW = 1_800_000_000.25


@pytest.fixture
def permit_table(table: Any) -> Table:
    client: Any = BotocoreClient(boto3.client("dynamodb"))
    return Table(client, ENVIRONMENT["TABLE_NAME"], runtime.create_deadline(60))


def lease(table: Table, needed: int, wanted: int = 0, **options: Any) -> Lease:
    now = options.pop("now", NOW)
    request = LeaseRequest(needed, max(needed, wanted), **options)
    return DynamoDBPermitStore(table).lease("acme", request, LIMIT, now)


def test_first_lease_is_one_call(permit_table: Table) -> None:
    assert lease(permit_table, 1, 10) == Lease(10, NOW + 1)
    assert permit_table.calls == 1


def test_lease_with_known_state_is_one_call(permit_table: Table) -> None:
    first = lease(permit_table, 1, 10)
    second = lease(permit_table, 1, 10, known_full_at=first.full_at)

    assert (second, permit_table.calls) == (Lease(10, NOW + 2), 2)


def test_lease_with_outdated_state_is_two_calls(permit_table: Table) -> None:
    lease(permit_table, 1, 10)

    assert lease(permit_table, 1, 10) == Lease(10, NOW + 2)
    assert permit_table.calls == 3


def test_few_permits_are_shared(permit_table: Table) -> None:
    lease(permit_table, 950)

    assert lease(permit_table, 1, 100).permits == 5
    assert lease(permit_table, 40, 100).permits == 40
    assert lease(permit_table, 6) == Lease(0, NOW + 99.5)


def test_refused_lease_with_known_state_makes_no_call(permit_table: Table) -> None:
    state = lease(permit_table, 1_000)
    calls = permit_table.calls

    assert lease(permit_table, 1, known_full_at=state.full_at).permits == 0
    assert permit_table.calls == calls


def test_bucket_is_refilled(permit_table: Table) -> None:
    state = lease(permit_table, 1_000)

    assert lease(permit_table, 10, now=NOW + 1, known_full_at=state.full_at).permits == 10
    assert lease(permit_table, 1_000, now=NOW + 200).permits == 1_000
    assert lease(permit_table, 1, now=NOW + 200).permits == 0


def test_returned_permits_are_available(permit_table: Table) -> None:
    state = lease(permit_table, 1_000)

    assert lease(permit_table, 5, returned=5, known_full_at=state.full_at) == Lease(5, state.full_at)


def test_full_bucket_gets_no_permits_back(permit_table: Table) -> None:
    assert lease(permit_table, 10, returned=500) == Lease(10, NOW + 1)


def test_debt(permit_table: Table) -> None:
    lease(permit_table, 1_000)

    assert lease(permit_table, 300, can_owe=True) == Lease(300, NOW + 130)
    assert LIMIT.count_available(NOW + 130, NOW) == -300
    assert LIMIT.compute_wait_s(NOW + 130, NOW, 1) == 30.1


def test_item_expires_after_the_bucket_is_full(permit_table: Table, table: Any) -> None:
    lease(permit_table, 1_000)
    lease(permit_table, 300, can_owe=True)

    (item,) = table.scan()["Items"]
    assert (item["pk"], item["sk"]) == ("Q#acme", "Q#bucket")
    assert item["ttl"] > item["full_at"]


@pytest.mark.parametrize(
    "error",
    [
        ErrorResponse("UpdateItem", "ProvisionedThroughputExceededException"),
        ErrorResponse("UpdateItem", "InternalServerError"),
        NoResponse("UpdateItem", "EndpointConnectionError"),
    ],
)
def test_unavailable(permit_table: Table, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(permit_table, "update_once", fail)
    with pytest.raises(BucketUnavailable):
        lease(permit_table, 1)
