"""The records of accepted events, by tenant and request."""

import time
from typing import Any

import pytest

from scim.protocol.errors import Unavailable
from scim.store.requests.accepted_events import RETENTION_DAYS, AcceptedEvent, AcceptedEventStore, AcceptedRequest
from scim.store.table import Table
from scim.wiring.runtime import new_id
from tests.service.fakes import Clock

DAY_S = 86_400
REQUEST = "JKJaXmPLvHcESHA="


@pytest.fixture
def store(request_table: Table) -> AcceptedEventStore:
    return AcceptedEventStore(request_table, time.time, new_id)


def build_event(number: int, tenant: str = "acme", request: str = REQUEST) -> AcceptedEvent:
    return AcceptedEvent(tenant, request, f"user-{number}", f"event-{number}")


def test_event_is_found_by_request(store: AcceptedEventStore) -> None:
    store.record([build_event(1)])
    assert store.find_acceptance("acme", REQUEST, "event-1")
    assert store.find_request("acme", REQUEST) == AcceptedRequest(["user-1"], 1)


@pytest.mark.parametrize(
    ("tenant", "request_id", "event_id"),
    [("other", REQUEST, "event-1"), ("acme", "JKJaXmPLvHc", "event-1"), ("acme", REQUEST, "event-2")],
)
def test_other_event_is_not_accepted(store: AcceptedEventStore, tenant: str, request_id: str, event_id: str) -> None:
    store.record([build_event(1)])
    assert store.find_acceptance(tenant, request_id, event_id) == ""


def test_batch_is_one_item_for_each_tenant_and_request(store: AcceptedEventStore, items: Any) -> None:
    bulk = [build_event(number) for number in range(90)]
    store.record([*bulk, build_event(1, request="other"), build_event(1, tenant="other")])
    assert sorted(item["pk"]["S"] for item in items().values()) == ["E#acme", "E#acme", "E#other"]
    assert store.find_acceptance("acme", REQUEST, "event-89")
    request = store.find_request("acme", REQUEST)
    assert (len(request.user_ids), request.event_count) == (10, 90)


def test_several_batches_of_a_request_are_all_found(store: AcceptedEventStore) -> None:
    store.record([build_event(1)])
    store.record([build_event(2)])
    store.record([build_event(1)])  # sent again
    assert all(store.find_acceptance("acme", REQUEST, f"event-{number}") for number in (1, 2))
    assert store.find_request("acme", REQUEST).event_count == 2


def test_record_expires(request_table: Table, store: AcceptedEventStore) -> None:
    long_ago = time.time() - (RETENTION_DAYS + 1) * DAY_S
    AcceptedEventStore(request_table, lambda: long_ago, new_id).record([build_event(1)])
    assert store.find_acceptance("acme", REQUEST, "event-1") == ""
    assert store.find_request("acme", REQUEST) == AcceptedRequest([], 0)


def test_recording_without_time_fails(request_table: Table) -> None:
    late = request_table.with_deadline(Clock(1.0).deadline)
    with pytest.raises(Unavailable):
        AcceptedEventStore(late, time.time, new_id).record([build_event(1)])
