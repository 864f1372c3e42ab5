"""The items that a change writes in one transaction."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import PayloadTooLarge, TooManyUsers
from scim.protocol.normalize import NORMALIZATION_VERSION
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


def build_user(user_id: str = ONE, version: int = 1, **attributes: Any) -> StoredResource:
    resource = {"schemas": [], "id": user_id, "userName": "Bob", "active": True} | attributes
    created, modified = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
    return StoredResource(user_id, version, created, modified, encode_json(resource), active_since=created)


class TestWrites:
    def test_create_writes_all_items_of_a_user(self, store: DynamoDBResourceStore, items: Items) -> None:
        store.write(None, build_user(externalId="E#1", emails=[{"value": "B@x"}, {"value": "b@X"}]), CHANGE)
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

    def test_change_is_one_call(self, store: DynamoDBResourceStore, request_table: Table) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(build_user(), build_user(version=2, userName="Rob", active=False), CHANGE)
        store.write(build_user(version=2, userName="Rob", active=False), None, CHANGE)
        assert request_table.calls == 3

    def test_delete_leaves_only_change_records(self, store: DynamoDBResourceStore, items: Items) -> None:
        bob = build_user(externalId="1", emails=[{"value": "b@x"}])
        store.write(None, bob, CHANGE)
        store.write(bob, None, CHANGE)
        assert set(items()) == {"K#0f", f"C#{ONE}#0000000001", f"C#{ONE}#0000000002"}
        assert (items()["K#0f"]["counts"], items()["K#0f"]["active"]) == ({"N": "0"}, {"N": "0"})

    def test_name_of_deleted_user_is_available(self, store: DynamoDBResourceStore) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(build_user(), None, CHANGE)
        store.write(None, build_user(TWO), CHANGE)
        assert store.get(TWO) == build_user(TWO)

    def test_name_is_unique_regardless_of_case(self, store: DynamoDBResourceStore, items: Items) -> None:
        store.write(None, build_user(), CHANGE)
        before = items()
        with pytest.raises(NotUnique):
            store.write(None, build_user(TWO, userName="BOB", externalId="2"), CHANGE)
        assert items() == before

    def test_rename_moves_the_unique_key(self, store: DynamoDBResourceStore, items: Items) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(build_user(), build_user(version=2, userName="Rob"), CHANGE)
        assert "N#bob" not in items()
        assert items()["N#rob"]["id"] == {"S": ONE}

    def test_rename_in_case_keeps_the_unique_key(self, store: DynamoDBResourceStore, items: Items) -> None:
        store.write(None, build_user(), CHANGE)
        before = items()["N#bob"]
        store.write(build_user(), build_user(version=2, userName="BOB"), CHANGE)
        assert items()["N#bob"] == before

    def test_lookup_items_have_version_of_normalization(self, store: DynamoDBResourceStore, items: Items) -> None:
        """The version is no part of the key. Otherwise functions with two versions of Python would not share users."""
        store.write(None, build_user(emails=[{"value": "a@x"}]), CHANGE)
        lookup_items = {key: item for key, item in items().items() if key[:2] in ("N#", "I#")}

        assert {key[:2] for key in lookup_items} == {"N#", "I#"}
        assert all(item["normalization"] == {"S": NORMALIZATION_VERSION} for item in lookup_items.values())
        assert not any(NORMALIZATION_VERSION in key for key in items())

    def test_rename_to_existing_name_is_rejected(self, store: DynamoDBResourceStore) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(None, build_user(TWO, userName="Rob"), CHANGE)
        with pytest.raises(NotUnique):
            store.write(build_user(), build_user(version=2, userName="rob"), CHANGE)

    def test_version_conflict_precedes_uniqueness(self, store: DynamoDBResourceStore) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(None, build_user(TWO, userName="Rob"), CHANGE)
        store.write(build_user(), build_user(version=2, title="T"), CHANGE)
        with pytest.raises(VersionConflict):
            store.write(build_user(), build_user(version=2, userName="rob"), CHANGE)

    @pytest.mark.parametrize("after", [build_user(version=2, title="T"), None])
    def test_write_of_deleted_user_is_a_conflict(
        self, store: DynamoDBResourceStore, after: StoredResource | None
    ) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(build_user(), None, CHANGE)
        with pytest.raises(VersionConflict):
            store.write(build_user(), after, CHANGE)

    def test_only_changed_index_entries_are_written(self, store: DynamoDBResourceStore, items: Items) -> None:
        before = build_user(externalId="1", emails=[{"value": "a@x"}, {"value": "b@x"}])
        after = build_user(version=2, externalId="1", emails=[{"value": "b@x"}, {"value": "c@x"}])
        store.write(None, before, CHANGE)
        store.write(before, after, CHANGE)
        assert {sort for sort in items() if sort.startswith("I#")} == {
            f"I#externalId#1#{ONE}",
            f"I#emails.value#b@x#{ONE}",
            f"I#emails.value#c@x#{ONE}",
        }

    def test_forty_indexed_values_are_replaced(self, store: DynamoDBResourceStore, items: Items) -> None:
        before = build_user(emails=[{"value": f"{number}@old"} for number in range(40)])
        after = build_user(
            version=2, userName="Rob", active=False, emails=[{"value": f"{number}@new"} for number in range(40)]
        )
        store.write(None, before, CHANGE)
        store.write(before, after, CHANGE)
        assert {sort[-40:-37] for sort in items() if sort.startswith("I#")} == {"new"}

    def test_deactivation_decrements_active_users(self, store: DynamoDBResourceStore, items: Items) -> None:
        store.write(None, build_user(), CHANGE)
        store.write(build_user(), build_user(version=2, active=False), CHANGE)
        assert (items()["K#0f"]["counts"], items()["K#0f"]["active"]) == (
            {"N": str(compute_increment(ONE))},
            {"N": "0"},
        )

    def test_size_of_user_is_limited(self, store: DynamoDBResourceStore, items: Items) -> None:
        with pytest.raises(PayloadTooLarge, match="340,000 bytes"):
            store.write(None, build_user(title="x" * MAX_DOCUMENT_BYTES), CHANGE)
        assert items() == {}

    def test_invalid_ids_are_not_read(self, store: DynamoDBResourceStore, request_table: Table) -> None:
        assert store.get("x" * 3_000) is None
        assert request_table.calls == 0


@pytest.fixture
def set_counter(table: Any) -> Callable[[int], Any]:
    """Return a function that sets the counter of the shard of the two users."""
    return lambda counts: table.put_item(Item={"pk": "L#acme", "sk": "K#0f", "counts": counts, "active": 0})


class TestCounterLimit:
    def test_full_shard_rejects_new_user(
        self, store: DynamoDBResourceStore, items: Items, set_counter: Callable[[int], Any]
    ) -> None:
        set_counter(PACKED_COUNTER_LIMIT)
        before = items()
        with pytest.raises(TooManyUsers, match="about 12 million") as raised:
            store.write(None, build_user(), CHANGE)
        assert raised.value.status == 403
        assert items() == before

    def test_shard_accepts_users_up_to_its_limit(
        self, store: DynamoDBResourceStore, items: Items, set_counter: Callable[[int], Any]
    ) -> None:
        set_counter(PACKED_COUNTER_LIMIT - compute_increment(ONE))
        store.write(None, build_user(), CHANGE)
        assert items()["K#0f"]["counts"] == {"N": str(PACKED_COUNTER_LIMIT)}

    def test_user_of_full_shard_can_be_changed(
        self, store: DynamoDBResourceStore, items: Items, set_counter: Callable[[int], Any]
    ) -> None:
        store.write(None, build_user(), CHANGE)
        set_counter(PACKED_COUNTER_LIMIT + compute_increment(ONE))
        store.write(build_user(), build_user(version=2, active=False), CHANGE)
        store.write(build_user(version=2, active=False), None, CHANGE)
        assert items()["K#0f"]["counts"] == {"N": str(PACKED_COUNTER_LIMIT)}

    def test_uniqueness_precedes_a_full_shard(
        self, store: DynamoDBResourceStore, set_counter: Callable[[int], Any]
    ) -> None:
        store.write(None, build_user(), CHANGE)
        set_counter(PACKED_COUNTER_LIMIT)
        with pytest.raises(NotUnique):
            store.write(None, build_user(TWO), CHANGE)
