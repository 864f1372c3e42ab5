"""The sample consumer's list is correct for events in any order and with any duplicates."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from examples.participants import app
from examples.participants.app import IncompleteResync, Participants
from local.aws_lambda.stream_mapping import StreamMapping
from local.template import Template
from scim.events.event import build_event
from scim.events.stream_record import parse_stream_record
from tests.events.history import TENANT, History, build_stream_record, generate_history
from tests.events.schemas import SCHEMAS
from tests.examples.memory import MemoryTable

ROOT = Path(__file__).parents[2]
ID = "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"
OTHER_ID = "2819c223-7f76-453a-919d-413861904646"
TIME = "2026-01-31T09:30:00Z"
STARTED = "2026-02-01T00:00:00Z"
LATER = "2026-02-01T00:00:09Z"
RESYNC = {"resyncId": "5f0c29e2-7f76-453a-919d-413861904646"}


def build_details(history: History) -> list[dict[str, Any]]:
    return [
        json.loads(build_event(parse_stream_record(build_stream_record(image))).detail_json) for image in history.images
    ]


def build_detail(sequence: int, *, active: bool) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "id": ID,
        "userName": f"name {sequence}",
        "externalId": None,
        "sequence": sequence,
        "active": active,
    }


def build_completion(user_count: int) -> dict[str, Any]:
    return {"tenant": TENANT, "userCount": user_count, "seenSince": STARTED} | RESYNC


@pytest.fixture
def table(aws: None) -> Iterator[Any]:
    """The table of the example's template."""
    template = Template(ROOT / "examples/participants/template.yaml")
    properties = template._resources["Participants"]["Properties"]  # noqa: SLF001
    table = boto3.resource("dynamodb").create_table(TableName="participants", **properties)
    yield table
    table.delete()


HISTORY = generate_history(400)
DETAILS = build_details(HISTORY)


@given(st.permutations(range(len(DETAILS))), st.lists(st.sampled_from(range(len(DETAILS))), max_size=40))
def test_events_in_any_order_lead_to_active_users(order: list[int], duplicates: list[int]) -> None:
    participants = Participants(MemoryTable())
    for number in [*order, *duplicates]:
        participants.apply(DETAILS[number])
    assert {item["id"]: item["userName"] for item in participants.list_active(TENANT)} == HISTORY.active


def test_memory_table_decides_like_dynamodb(table: Any) -> None:
    memory = MemoryTable()
    for change in [*reversed(DETAILS[:150]), *DETAILS[:150:7]]:
        assert Participants(table).apply(change) == Participants(memory).apply(change)
    items = {item["id"]: item for item in Participants(table).list_active(TENANT)}
    assert items == {item["id"]: item for item in Participants(memory).list_active(TENANT)}
    assert len(items) > 10


@pytest.mark.parametrize("late", [1, 2])
def test_late_update_does_not_add_inactive_user(table: Any, late: int) -> None:
    participants = Participants(table)
    assert participants.apply(build_detail(3, active=False))
    assert not participants.apply(build_detail(late, active=True))
    assert participants.list_active(TENANT) == []


def test_inactive_user_can_become_active_again(table: Any) -> None:
    participants = Participants(table)
    participants.apply(build_detail(2, active=False))
    assert participants.apply(build_detail(3, active=True))
    assert [item["userName"] for item in participants.list_active(TENANT)] == ["name 3"]


def test_duplicate_is_not_applied(table: Any) -> None:
    participants = Participants(table)
    assert participants.apply(build_detail(1, active=True))
    assert not participants.apply(build_detail(1, active=True))


def test_item_of_inactive_user_has_no_name(table: Any) -> None:
    participants = Participants(table)
    participants.apply(build_detail(1, active=True))
    participants.apply(build_detail(2, active=False), TIME)
    expected = {"tenant": TENANT, "id": ID, "sequence": 2, "participates": False, "time": TIME}
    assert table.scan()["Items"] == [expected]


def test_tenants_are_separate(table: Any) -> None:
    Participants(table).apply(build_detail(1, active=True))
    assert Participants(table).list_active("other") == []


def test_all_pages_of_a_list_are_read(table: Any) -> None:
    for number in range(3):
        Participants(table).apply(build_detail(1, active=True) | {"id": str(number), "userName": "x" * 380_000})
    assert len(Participants(table).list_active(TENANT)) == 3


def test_handler_applies_an_event(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTICIPANTS_TABLE", table.name)
    event = {"detail-type": "UserProvisioned", "source": "muster", "time": TIME}
    app.handler(event | {"detail": build_detail(1, active=True)}, None)
    assert len(Participants(table).list_active(TENANT)) == 1
    app.handler(event | {"detail-type": "ResyncCompleted", "detail": build_completion(0)}, None)
    assert Participants(table).list_active(TENANT) == []


def test_rule_in_template_selects_all_event_types() -> None:
    text = (ROOT / "examples/participants/template.yaml").read_text()
    (line,) = [line for line in text.splitlines() if "Pattern:" in line]
    pattern = yaml.safe_load(line)["Pattern"]
    for kind in set(SCHEMAS) - {"detail"}:
        assert StreamMapping(filters=(pattern,)).accepts({"source": "muster", "detail-type": kind})


def test_linked_event_has_state_of_its_sequence() -> None:
    """``UserLinked`` is ignored for a known user. For an unknown user it creates the same item as the change."""
    known, unknown = Participants(MemoryTable()), Participants(MemoryTable())
    linked = build_detail(3, active=True) | {"links": [], "linkSequence": 1}
    assert known.apply(build_detail(3, active=True))
    assert not known.apply(linked)
    assert unknown.apply(linked)
    assert known.list_active(TENANT) == unknown.list_active(TENANT)


class TestResync:
    def test_missed_change_is_applied(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(1, active=True), TIME)
        assert participants.apply(build_detail(3, active=False) | RESYNC, LATER)
        participants.complete_resync(build_completion(1))
        assert participants.list_active(TENANT) == []

    def test_equal_sequence_is_applied(self, table: Any) -> None:
        """The consumer may have stored a wrong state, for example after it restored its table."""
        participants = Participants(table)
        participants.apply(build_detail(3, active=False), TIME)
        assert participants.apply(build_detail(3, active=True) | RESYNC, LATER)
        assert len(participants.list_active(TENANT)) == 1

    def test_newer_event_is_kept(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(4, active=False), TIME)
        assert not participants.apply(build_detail(3, active=True) | RESYNC, LATER)
        participants.complete_resync(build_completion(1))
        assert participants.list_active(TENANT) == []

    def test_user_who_does_not_exist_is_removed(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(1, active=True), TIME)
        participants.apply(build_detail(1, active=True) | RESYNC | {"id": OTHER_ID}, LATER)
        participants.complete_resync(build_completion(1))
        assert [item["id"] for item in participants.list_active(TENANT)] == [OTHER_ID]

    def test_user_who_was_created_during_resync_is_kept(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(1, active=True), LATER)
        participants.complete_resync(build_completion(0))
        assert len(participants.list_active(TENANT)) == 1

    def test_no_user_is_removed_before_all_events_have_arrived(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(1, active=True), TIME)
        with pytest.raises(IncompleteResync):
            participants.complete_resync(build_completion(1))
        participants.apply(build_detail(1, active=True) | RESYNC, LATER)
        participants.complete_resync(build_completion(1))
        assert len(participants.list_active(TENANT)) == 1

    def test_change_after_resync_event_is_part_of_resync(self, table: Any) -> None:
        participants = Participants(table)
        participants.apply(build_detail(1, active=True) | RESYNC, LATER)
        participants.apply(build_detail(2, active=True), LATER)
        participants.complete_resync(build_completion(1))
        assert [item["userName"] for item in participants.list_active(TENANT)] == ["name 2"]
