"""Users that are created together: all of them in one transaction, or none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from scim.protocol.errors import PayloadTooLarge, TooManyUsers
from scim.service.model.change_record import ChangeRecord
from scim.service.model.stored_resource import CreationsFailed, NotUnique, StoredResource, TooManyItems
from scim.store.query.counters import PACKED_COUNTER_LIMIT, compute_increment
from scim.store.resources import MAX_DOCUMENT_BYTES, DynamoDBResourceStore
from scim.store.table import Table
from tests.store.test_resources import CHANGE, ONE, TWO, Items, build_user


def build_creations(*users: StoredResource) -> Sequence[tuple[StoredResource, ChangeRecord]]:
    return [(user, replace(CHANGE, user_name=user.resource["userName"])) for user in users]


def list_errors(raised: pytest.ExceptionInfo[CreationsFailed]) -> dict[int, type[Exception]]:
    return {index: type(error) for index, error in raised.value.errors.items()}


def test_users_are_created_in_one_call(store: DynamoDBResourceStore, request_table: Table, items: Items) -> None:
    """The users share a counter, which is written once."""
    users = [build_user(ONE, userName="ada", externalId="1"), build_user(TWO, userName="bob", active=False)]

    store.create_all(build_creations(*users))

    written = items()
    assert set(written) == {
        *(f"U#{user_id}" for user_id in (ONE, TWO)),
        *(f"C#{user_id}#0000000001" for user_id in (ONE, TWO)),
        "N#ada",
        "N#bob",
        f"I#externalId#1#{ONE}",
        "K#0f",
    }
    increments = compute_increment(ONE) + compute_increment(TWO)
    assert (written["K#0f"]["counts"], written["K#0f"]["active"]) == ({"N": str(increments)}, {"N": "1"})
    changes = [written[f"C#{user_id}#0000000001"] for user_id in (ONE, TWO)]
    assert [change["userName"]["S"] for change in changes] == ["ada", "bob"]
    assert changes[0]["change"] != changes[1]["change"]
    assert request_table.calls == 1


def test_taken_name_creates_no_user(store: DynamoDBResourceStore, items: Items) -> None:
    store.write(None, build_user(ONE, userName="bob"), CHANGE)
    before = items()
    users = [build_user(TWO, userName="ada"), build_user(str(UUID(int=3)), userName="BOB")]

    with pytest.raises(CreationsFailed) as raised:
        store.create_all(build_creations(*users))

    assert list_errors(raised) == {1: NotUnique}
    assert items() == before


def test_equal_names_create_no_user(store: DynamoDBResourceStore, items: Items) -> None:
    with pytest.raises(CreationsFailed) as raised:
        store.create_all(build_creations(build_user(ONE, userName="ada"), build_user(TWO, userName="Ada")))

    assert list_errors(raised) == {1: NotUnique}
    assert items() == {}


def test_large_user_creates_no_user(store: DynamoDBResourceStore, items: Items) -> None:
    large_user = build_user(TWO, userName="bob", title="x" * MAX_DOCUMENT_BYTES)

    with pytest.raises(CreationsFailed) as raised:
        store.create_all(build_creations(build_user(ONE, userName="ada"), large_user))

    assert list_errors(raised) == {1: PayloadTooLarge}
    assert items() == {}


def test_full_shard_creates_no_user(store: DynamoDBResourceStore, items: Items, table: Any) -> None:
    table.put_item(Item={"pk": "L#acme", "sk": "K#0f", "counts": PACKED_COUNTER_LIMIT, "active": 0})
    before = items()

    with pytest.raises(TooManyUsers):
        store.create_all(build_creations(build_user(ONE, userName="ada"), build_user(TWO, userName="bob")))

    assert items() == before


@pytest.mark.parametrize(("count", "is_possible"), [(25, True), (26, False)])
def test_number_of_items_is_limited(store: DynamoDBResourceStore, items: Items, count: int, is_possible: bool) -> None:
    """Each user here has four items: the user, its name, a separate counter and the change record."""
    users = [build_user(f"{number:02x}{ONE[2:]}", userName=f"user-{number}") for number in range(count)]
    if is_possible:
        store.create_all(build_creations(*users))
        assert len(items()) == 100
    else:
        with pytest.raises(TooManyItems):
            store.create_all(build_creations(*users))
        assert items() == {}
