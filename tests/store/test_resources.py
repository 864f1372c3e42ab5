"""What each change writes: one transaction that holds the user and everything that depends on it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import PayloadTooLarge, TooManyUsers
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.stored_resource import NotUnique, StoredResource, VersionConflict, encode_json
from scim.store.query.counters import PACKED_COUNTER_LIMIT, compute_increment
from scim.store.resources import MAX_DOCUMENT_BYTES, DynamoDBResourceStore
from scim.store.table import Table

Items = Callable[[], dict[str, dict[str, Any]]]

ONE = "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"
TWO = "0fd6a9b1-3c52-4c3c-8a55-6b7d1f4f2b22"
CHANGE = ChangeRecord(
    at="2026-01-02T03:04:05.678Z",
    operation=Operation.CREATE,
    attributes_changed=["userName"],
    participation=Participation.JOINED,
    actor="scim",
    request_id="request",
    leniencies=["string-boolean"],
    resource_type="User",
    user_name="Bob",
    external_id="E#1",
    active=True,
)


def user(user_id: str = ONE, version: int = 1, **attributes: Any) -> StoredResource:
    resource = {"schemas": [], "id": user_id, "userName": "Bob", "active": True} | attributes
    return StoredResource(
        user_id, version, "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", encode_json(resource)
    )


def test_create_writes_user_keys_counter_and_change_record(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, user(externalId="E#1", emails=[{"value": "B@x"}, {"value": "b@X"}]), CHANGE)
    written = items()
    record = written.pop(f"C#{ONE}#0000000001")
    assert {sort for sort, item in written.items() if item["pk"]["S"] == "L#acme"} == {"K#0f"}
    assert {item["pk"]["S"] for item in written.values()} == {"T#acme", "L#acme"}
    assert set(written) == {
        f"U#{ONE}",
        "N#bob",
        f"I#externalId#E%231#{ONE}",
        f"I#emails.value#b@x#{ONE}",
        "K#0f",
    }
    assert written["N#bob"]["id"] == {"S": ONE}
    assert (written["K#0f"]["counts"], written["K#0f"]["active"]) == (
        {"N": str(compute_increment(ONE))},
        {"N": "1"},
    )
    assert json.loads(written[f"U#{ONE}"]["doc"]["S"])["userName"] == "Bob"
    assert record["at"] == {"S": "2026-01-02T03:04:05.678Z"}
    assert record["participation"] == {"S": "joined"}
    assert record["leniencies"] == {"L": [{"S": "string-boolean"}]}
    assert (record["resourceType"], record["userName"]) == ({"S": "User"}, {"S": "Bob"})
    assert (record["externalId"], record["active"]) == ({"S": "E#1"}, {"BOOL": True})
    assert int(record["ttl"]["N"]) > 0


def test_change_is_one_call(store: DynamoDBResourceStore, request_table: Table) -> None:
    store.write(None, user(), CHANGE)
    store.write(user(), user(version=2, userName="Rob", active=False), CHANGE)
    store.write(user(version=2, userName="Rob", active=False), None, CHANGE)
    assert request_table.calls == 3


def test_delete_leaves_only_change_records(store: DynamoDBResourceStore, items: Items) -> None:
    bob = user(externalId="1", emails=[{"value": "b@x"}])
    store.write(None, bob, CHANGE)
    store.write(bob, None, CHANGE)
    assert set(items()) == {"K#0f", f"C#{ONE}#0000000001", f"C#{ONE}#0000000002"}
    assert (items()["K#0f"]["counts"], items()["K#0f"]["active"]) == ({"N": "0"}, {"N": "0"})


def test_name_of_deleted_user_can_be_used_again(store: DynamoDBResourceStore) -> None:
    store.write(None, user(), CHANGE)
    store.write(user(), None, CHANGE)
    store.write(None, user(TWO), CHANGE)
    assert store.get(TWO) == user(TWO)


def test_name_in_another_case_is_not_unique(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, user(), CHANGE)
    before = items()
    with pytest.raises(NotUnique):
        store.write(None, user(TWO, userName="BOB", externalId="2"), CHANGE)
    assert items() == before


def test_rename_moves_the_unique_key(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, user(), CHANGE)
    store.write(user(), user(version=2, userName="Rob"), CHANGE)
    assert "N#bob" not in items()
    assert items()["N#rob"]["id"] == {"S": ONE}


def test_rename_in_case_only_keeps_the_unique_key(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, user(), CHANGE)
    before = items()["N#bob"]
    store.write(user(), user(version=2, userName="BOB"), CHANGE)
    assert items()["N#bob"] == before


def test_rename_to_an_existing_name_is_not_unique(store: DynamoDBResourceStore) -> None:
    store.write(None, user(), CHANGE)
    store.write(None, user(TWO, userName="Rob"), CHANGE)
    with pytest.raises(NotUnique):
        store.write(user(), user(version=2, userName="rob"), CHANGE)


def test_version_conflict_precedes_uniqueness(store: DynamoDBResourceStore) -> None:
    store.write(None, user(), CHANGE)
    store.write(None, user(TWO, userName="Rob"), CHANGE)
    store.write(user(), user(version=2, title="T"), CHANGE)
    with pytest.raises(VersionConflict):
        store.write(user(), user(version=2, userName="rob"), CHANGE)


@pytest.mark.parametrize("after", [user(version=2, title="T"), None])
def test_write_of_deleted_user_is_a_version_conflict(
    store: DynamoDBResourceStore, after: StoredResource | None
) -> None:
    store.write(None, user(), CHANGE)
    store.write(user(), None, CHANGE)
    with pytest.raises(VersionConflict):
        store.write(user(), after, CHANGE)


def test_only_changed_index_entries_are_written(store: DynamoDBResourceStore, items: Items) -> None:
    before = user(externalId="1", emails=[{"value": "a@x"}, {"value": "b@x"}])
    after = user(version=2, externalId="1", emails=[{"value": "b@x"}, {"value": "c@x"}])
    store.write(None, before, CHANGE)
    store.write(before, after, CHANGE)
    assert {sort for sort in items() if sort.startswith("I#")} == {
        f"I#externalId#1#{ONE}",
        f"I#emails.value#b@x#{ONE}",
        f"I#emails.value#c@x#{ONE}",
    }


def test_forty_indexed_values_are_replaced_in_one_transaction(store: DynamoDBResourceStore, items: Items) -> None:
    before = user(emails=[{"value": f"{number}@old"} for number in range(40)])
    after = user(version=2, userName="Rob", active=False, emails=[{"value": f"{number}@new"} for number in range(40)])
    store.write(None, before, CHANGE)
    store.write(before, after, CHANGE)
    assert {sort[-40:-37] for sort in items() if sort.startswith("I#")} == {"new"}


def test_deactivation_decrements_active_users(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, user(), CHANGE)
    store.write(user(), user(version=2, active=False), CHANGE)
    assert (items()["K#0f"]["counts"], items()["K#0f"]["active"]) == (
        {"N": str(compute_increment(ONE))},
        {"N": "0"},
    )


def test_user_too_large_for_an_item_is_refused(store: DynamoDBResourceStore, items: Items) -> None:
    with pytest.raises(PayloadTooLarge, match="350000 bytes"):
        store.write(None, user(title="x" * MAX_DOCUMENT_BYTES), CHANGE)
    assert items() == {}


def test_other_ids_are_not_read(store: DynamoDBResourceStore, request_table: Table) -> None:
    assert store.get("x" * 3_000) is None
    assert request_table.calls == 0


# More users than the counters hold


@pytest.fixture
def shard(table: Any) -> Callable[[int], Any]:
    """Return a function that sets the counter of the shard of the two users."""
    return lambda counts: table.put_item(Item={"pk": "L#acme", "sk": "K#0f", "counts": counts, "active": 0})


def test_full_shard_refuses_a_user_and_writes_nothing(
    store: DynamoDBResourceStore, items: Items, shard: Callable[[int], Any]
) -> None:
    shard(PACKED_COUNTER_LIMIT)
    before = items()
    with pytest.raises(TooManyUsers, match="about 12 million") as raised:
        store.write(None, user(), CHANGE)
    assert raised.value.status == 403
    assert items() == before


def test_shard_takes_users_up_to_its_limit(
    store: DynamoDBResourceStore, items: Items, shard: Callable[[int], Any]
) -> None:
    shard(PACKED_COUNTER_LIMIT - compute_increment(ONE))
    store.write(None, user(), CHANGE)
    assert items()["K#0f"]["counts"] == {"N": str(PACKED_COUNTER_LIMIT)}


def test_users_of_a_full_shard_can_be_changed_and_deleted(
    store: DynamoDBResourceStore, items: Items, shard: Callable[[int], Any]
) -> None:
    store.write(None, user(), CHANGE)
    shard(PACKED_COUNTER_LIMIT + compute_increment(ONE))
    store.write(user(), user(version=2, active=False), CHANGE)
    store.write(user(version=2, active=False), None, CHANGE)
    assert items()["K#0f"]["counts"] == {"N": str(PACKED_COUNTER_LIMIT)}


def test_name_that_is_in_use_is_reported_before_a_full_shard(
    store: DynamoDBResourceStore, shard: Callable[[int], Any]
) -> None:
    store.write(None, user(), CHANGE)
    shard(PACKED_COUNTER_LIMIT)
    with pytest.raises(NotUnique):
        store.write(None, user(TWO), CHANGE)
