"""Each change makes one event: its type and its detail."""

from datetime import UTC, datetime
from itertools import product

import pytest

from scim.events.event import build_event
from scim.events.stream_record import parse_stream_record
from scim.service.model.change_record import Operation, Participation
from tests.events.history import build_stream_record
from tests.events.schemas import SCHEMAS
from tests.events.test_stream_record import ID, IMAGE


def test_event_has_user_change_and_sequence() -> None:
    event = build_event(parse_stream_record(build_stream_record(IMAGE)))
    assert event.type == "UserDeactivated"
    assert event.time == datetime(2026, 1, 31, 9, 30, 0, 123_000, UTC)
    assert event.detail == {
        "eventId": "0fd6a9b1-3c52-4c3c-8a55-6b7d1f4f2b22",
        "tenant": "acme",
        "id": ID,
        "externalId": "e1",
        "userName": "zaphod",
        "version": 12,
        "sequence": 12,
        "participation": "left",
        "active": False,
        "changed": ["title", "active"],
        "requestId": "request-1",
    }


@pytest.mark.parametrize(
    ("operation", "participation", "kind"),
    [
        ("create", "joined", "UserProvisioned"),
        ("create", "unchanged", "UserProvisioned"),
        ("patch", "unchanged", "UserUpdated"),
        ("replace", "unchanged", "UserUpdated"),
        ("patch", "joined", "UserActivated"),
        ("replace", "left", "UserDeactivated"),
        ("delete", "left", "UserDeprovisioned"),
        ("delete", "unchanged", "UserDeprovisioned"),
    ],
)
def test_event_types(operation: str, participation: str, kind: str) -> None:
    image = {**IMAGE, "operation": {"S": operation}, "participation": {"S": participation}}
    assert build_event(parse_stream_record(build_stream_record(image))).type == kind


@pytest.mark.parametrize(("operation", "participation"), list(product(Operation, Participation)))
def test_change_has_a_documented_type(operation: Operation, participation: Participation) -> None:
    sort = f"C#{ID}#0000000012" + ("#0000000001" if operation is Operation.LINK else "")
    image = {**IMAGE, "operation": {"S": operation}, "participation": {"S": participation}, "sk": {"S": sort}}
    event = build_event(parse_stream_record(build_stream_record(image)))
    assert event.type in SCHEMAS


def test_deletion_has_the_next_sequence() -> None:
    detail = build_event(parse_stream_record(build_stream_record({**IMAGE, "operation": {"S": "delete"}}))).detail
    assert (detail["version"], detail["sequence"]) == (11, 12)


def test_same_change_has_the_same_event() -> None:
    assert build_event(parse_stream_record(build_stream_record(IMAGE, 1))) == build_event(
        parse_stream_record(build_stream_record(IMAGE, 2))
    )


def test_type_begins_with_the_resource_type() -> None:
    image = {**IMAGE, "resourceType": {"S": "Device"}, "participation": {"S": "unchanged"}}
    assert build_event(parse_stream_record(build_stream_record(image))).type == "DeviceUpdated"
