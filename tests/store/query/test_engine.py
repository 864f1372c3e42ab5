"""Queries: their results, and how many calls they take."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import TooMany, Unavailable
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.protocol.sort import compile_sort
from scim.service.deadline import Deadline
from scim.service.model.query import Query, SortOrder, StartIndexPosition
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.model.tenant import Tenant
from scim.store import keys
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring.scim_api import ScimApiAdapters
from tests.store.test_resources import CHANGE

CreateUser = Callable[..., StoredResource]


@pytest.fixture
def create_user(store: DynamoDBResourceStore) -> CreateUser:
    def create_user(user_name: str, **attributes: Any) -> StoredResource:
        user_id = str(uuid.uuid4())
        resource = {"id": user_id, "userName": user_name, "active": True} | attributes
        stored = StoredResource(
            user_id, 1, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", encode_json(resource)
        )
        store.write(None, stored, CHANGE)
        return stored

    return create_user


def build_query(
    text: str | None = None, start_index: int = 1, count: int = 200, order: SortOrder | None = None
) -> Query:
    start = StartIndexPosition(start_index)
    if text is None:
        return Query(start, count, order=order, canonical_text=f"by {order}")
    tree = parse_filter(text, load_user_type(), LeniencyTracker())
    predicate = compile_filter(tree, LeniencyTracker())
    return Query(
        start, count, tree, lambda stored: predicate(stored.resource), order, canonical_text=f"{text} by {order}"
    )


def build_order(name: str, *, descending: bool = False) -> SortOrder:
    sort = compile_sort(name, load_user_type(), LeniencyTracker())
    return SortOrder(sort.path, lambda stored: sort.key(stored.resource), descending)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('userName eq "BOB"', 2),
        ('externalId eq "a#b"', 2),
        ('emails[type eq "work"].value eq "B@x"', 2),
        ('emails.value eq "b@x" and title pr', 2),
        ('userName eq "unknown"', 1),
        ('externalId eq "a"', 1),
        ('id eq "no id of Muster"', 0),
    ],
)
def test_index_lookup_takes_a_fixed_number_of_calls(
    store: DynamoDBResourceStore, request_table: Table, create_user: CreateUser, text: str, calls: int
) -> None:
    bob = create_user("Bob", externalId="a#b", title="T", emails=[{"value": "b@x", "type": "work"}])
    before = request_table.calls
    result = store.find(build_query(text))
    assert list(result.page) == ([bob] if calls == 2 else [])
    assert result.total == len(result.page)
    assert result.plan.startswith("index:")
    assert request_table.calls - before == calls


def test_lookup_is_checked_by_whole_filter(store: DynamoDBResourceStore, create_user: CreateUser) -> None:
    create_user("Bob")
    assert store.find(build_query('userName eq "bob" and active eq false')).total == 0


def test_lookups_of_or_are_united_and_paged(store: DynamoDBResourceStore, create_user: CreateUser) -> None:
    users = sorted([create_user("a"), create_user("b", externalId="1"), create_user("c")], key=lambda stored: stored.id)
    text = 'userName eq "a" or externalId eq "1" or userName eq "c" or userName eq "b"'
    result = store.find(build_query(text, start_index=2, count=1))
    assert (result.total, list(result.page)) == (3, users[1:2])


def test_several_users_can_have_one_external_id(store: DynamoDBResourceStore, create_user: CreateUser) -> None:
    users = [create_user(str(number), externalId="same") for number in range(3)]
    assert {stored.id for stored in store.find(build_query('externalId eq "same"')).page} == {user.id for user in users}


def test_user_renamed_between_reads_is_looked_up_again(
    store: DynamoDBResourceStore, request_table: Table, create_user: CreateUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob becomes Rob, and Ann becomes Bob, after the key of Bob was read. The result is Ann."""
    bob, ann = create_user("Bob"), create_user("Ann")
    get, is_renamed = request_table.get, False

    def get_and_rename(partition: str, sort: str) -> Any:
        nonlocal is_renamed
        item = get(partition, sort)
        if sort == "N#bob" and not is_renamed:
            is_renamed = True
            store.write(bob, _rename(bob, "Rob"), CHANGE)
            store.write(ann, _rename(ann, "Bob"), CHANGE)
        return item

    monkeypatch.setattr(request_table, "get", get_and_rename)
    assert [stored.id for stored in store.find(build_query('userName eq "bob"')).page] == [ann.id]


def _rename(stored: StoredResource, user_name: str) -> StoredResource:
    document = encode_json(stored.resource | {"userName": user_name})
    return StoredResource(stored.id, stored.version + 1, stored.created, stored.modified, document)


def test_pages_contain_all_users(store: DynamoDBResourceStore, request_table: Table, create_user: CreateUser) -> None:
    users = sorted(create_user(str(number)).id for number in range(25))
    before = request_table.calls
    pages = [store.find(build_query(start_index=start, count=10)) for start in (1, 11, 21)]
    assert [stored.id for page in pages for stored in page.page] == users
    assert {(page.total, page.plan) for page in pages} == {(25, "ids")}
    assert request_table.calls - before <= 3 * 3


@pytest.mark.parametrize(("start_index", "count"), [(4, 10), (100, 100), (1, 0)])
def test_empty_page_has_the_total(
    store: DynamoDBResourceStore, create_user: CreateUser, start_index: int, count: int
) -> None:
    for name in "abc":
        create_user(name)
    result = store.find(build_query(start_index=start_index, count=count))
    assert (result.total, list(result.page)) == (3, [])


def test_scan_pages_all_matching_users(store: DynamoDBResourceStore, create_user: CreateUser) -> None:
    users = sorted(
        create_user(f"{number}", title="odd" if number % 2 else "even").id for number in range(9) if number % 2
    )
    for number in range(0, 9, 2):
        create_user(f"even {number}", title="even")
    result = store.find(build_query('title eq "odd"', start_index=2, count=2))
    assert (result.total, [stored.id for stored in result.page], result.plan) == (4, users[1:3], "scan")


@pytest.mark.parametrize(("descending", "expected"), [(False, ["b", "c"]), (True, ["c", "b"])])
def test_sorted_scan_returns_its_page(
    store: DynamoDBResourceStore, create_user: CreateUser, descending: bool, expected: list[str]
) -> None:
    for name in "dacb":
        create_user(f"user-{name}", title=name)
    result = store.find(build_query(start_index=2, count=2, order=build_order("title", descending=descending)))
    assert ([stored.resource["title"] for stored in result.page], result.total, result.plan) == (
        expected,
        4,
        "scan,sort",
    )


def test_tenants_do_not_see_each_other(
    adapters: ScimApiAdapters, request_table: Table, create_user: CreateUser
) -> None:
    bob = create_user("Bob", externalId="1")
    other = adapters.build_resource_store(request_table, Tenant("acme-2"), load_user_type())
    assert other.get(bob.id) is None
    for text in ('userName eq "Bob"', 'externalId eq "1"', f'id eq "{bob.id}"', "active eq true", None):
        assert other.find(build_query(text)).total == 0


class TestQueryWithoutTime:
    @pytest.fixture
    def expiring(self, adapters: ScimApiAdapters, create_user: CreateUser) -> DynamoDBResourceStore:
        create_user("Bob")
        table = adapters.open_table(Deadline(lambda: 4.5, lambda _: None))
        return adapters.build_resource_store(table, Tenant("acme"), load_user_type())

    def test_expensive_query_suggests_filters(
        self, expiring: DynamoDBResourceStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scim.store.query.reader.MIN_ENTRIES_OF_EXPENSIVE_QUERY", 1)
        with pytest.raises(TooMany, match=r"Filter by one of id, userName, externalId, emails.value with eq"):
            expiring.find(build_query("title pr"))

    @pytest.mark.parametrize("text", ["title pr", 'userName eq "bob"', 'userName sw "b"', None])
    def test_other_query_can_be_repeated(self, expiring: DynamoDBResourceStore, text: str | None) -> None:
        """It has read few users, so its filter is not the reason."""
        with pytest.raises(Unavailable, match=r"Send the request again"):
            expiring.find(build_query(text))


def test_unique_key_without_user_is_ignored(store: DynamoDBResourceStore, create_user: CreateUser, table: Any) -> None:
    bob = create_user("Bob")
    table.delete_item(Key={"pk": "T#acme", "sk": keys.user_key(bob.id)})
    assert store.find(build_query('userName eq "bob"')).total == 0
