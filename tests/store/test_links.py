"""The items of links and of the reference index, and their conditions. Races and lost responses are in tests/engine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scim.protocol.schema import load_user_type
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.identifiers import hash_identifier
from scim.service.model.links import Link, UserLinks
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.store.links import DynamoDBLinkStore
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring.scim_api import ScimApiAdapters
from tests.endpoint import ENTERPRISE
from tests.store.test_resources import CHANGE, TWO, build_user
from tests.store.test_resources import ONE as ONE_ID

Items = Callable[[], dict[str, dict[str, Any]]]
ONE = UserLinks(1, (Link("manager", "boss", "b", 7),))
LINKED = ChangeRecord(
    at="2026-01-31T09:30:00.000Z",
    operation=Operation.LINK,
    attributes_changed=["manager"],
    participation=Participation.UNCHANGED,
    actor="muster",
    request_id="r1",
    leniencies=(),
    resource_type="User",
    user_name="alice",
    external_id=None,
    active=True,
    links=[("manager", "b")],
)


@pytest.fixture
def links(adapters: ScimApiAdapters, request_table: Table) -> DynamoDBLinkStore:
    return DynamoDBLinkStore(request_table, adapters.resource_store_config, "acme", load_user_type())


@pytest.fixture
def alice(store: DynamoDBResourceStore) -> StoredResource:
    created = build_user(userName="alice")
    store.write(None, created, CHANGE)
    return created


def test_link_is_written_with_its_record(links: DynamoDBLinkStore, alice: StoredResource, items: Items) -> None:
    before = items()
    links.write_links(alice, ONE, LINKED)
    after = items()
    record = after.pop(f"C#{alice.id}#0000000001#0000000001")
    stored = after[f"U#{alice.id}"].pop("links")
    assert (after, stored) == (before, {"S": '[1,["manager","boss","b",7]]'})
    assert record["links"] == {"L": [{"M": {"attribute": {"S": "manager"}, "id": {"S": "b"}}}]}
    assert "time" not in record
    read = links.get_all([alice.id])[alice.id]
    assert (read.links_json, read.version, read.document) == (ONE.to_json(), 1, alice.document)


def test_changed_user_is_not_linked(
    links: DynamoDBLinkStore, store: DynamoDBResourceStore, alice: StoredResource
) -> None:
    renamed = StoredResource.from_resource(
        {**alice.resource, "title": "Cook"}, 2, alice.created, alice.modified, alice.active_since
    )
    store.write(alice, renamed, CHANGE)
    with pytest.raises(VersionConflict):
        links.write_links(alice, ONE, LINKED)


def test_changed_links_are_not_overwritten(links: DynamoDBLinkStore, alice: StoredResource, items: Items) -> None:
    links.write_links(alice, ONE, LINKED)
    before = items()
    with pytest.raises(VersionConflict):
        links.write_links(alice, UserLinks(1), LINKED)
    assert items() == before


def test_write_after_new_link_is_a_conflict(
    links: DynamoDBLinkStore, store: DynamoDBResourceStore, alice: StoredResource, items: Items
) -> None:
    """Otherwise the link would be removed without a record, and consumers of the events would keep it."""
    links.write_links(alice, ONE, LINKED)
    before = items()
    after = StoredResource.from_resource(
        {**alice.resource, "title": "Cook"}, 2, alice.created, alice.modified, alice.active_since
    )
    with pytest.raises(VersionConflict):
        store.write(alice, after, CHANGE)
    assert items() == before
    store.write(links.get_all([alice.id])[alice.id], after, CHANGE)


def test_delete_after_new_link_succeeds(
    links: DynamoDBLinkStore, store: DynamoDBResourceStore, alice: StoredResource
) -> None:
    links.write_links(alice, ONE, LINKED)
    store.write(alice, None, CHANGE)
    assert links.get_all([alice.id]) == {}


def test_next_version_keeps_its_links(store: DynamoDBResourceStore, alice: StoredResource, items: Items) -> None:
    after = StoredResource.from_resource(
        {**alice.resource, "title": "Cook"}, 2, alice.created, alice.modified, alice.active_since
    )
    after.links_json = UserLinks(0, ONE.links).to_json()
    store.write(alice, after, CHANGE)
    assert items()[f"U#{alice.id}"]["links"] == {"S": '[0,["manager","boss","b",7]]'}


def test_referrers_are_listed_by_identifier(links: DynamoDBLinkStore, items: Items) -> None:
    first, second = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    links.update_reference_index({(first, "aa"), (first, "bb")}, set())
    links.update_reference_index({(first, "aa"), (second, "aa")}, set())
    assert links.list_referrers("aa", "", 10) == [first, second]
    assert {item["pk"]["S"] for item in items().values()} == {"W#acme"}
    links.update_reference_index({(second, "bb")}, {(first, "aa"), (first, "none")})
    assert links.list_referrers("aa", "", 10) == [second]
    assert links.list_referrers("bb", "", 10) == [first, second]


def test_entries_are_written_in_several_calls(links: DynamoDBLinkStore) -> None:
    user_id = "00000000-0000-4000-8000-000000000001"
    entries = {(user_id, f"{number:024x}") for number in range(60)}
    links.update_reference_index(entries, set())
    assert all(links.list_referrers(entry_hash, "", 10) == [user_id] for _, entry_hash in entries)
    links.update_reference_index(set(), entries)
    assert not any(links.list_referrers(entry_hash, "", 10) for _, entry_hash in entries)


def test_page_of_referrers_takes_one_call(links: DynamoDBLinkStore, request_table: Table) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012x}" for number in range(7)]
    links.update_reference_index({(user_id, "aa") for user_id in ids}, set())
    before = request_table.calls
    assert links.list_referrers("aa", "", 3) == ids[:3]
    assert links.list_referrers("aa", ids[2], 3) == ids[3:6]
    assert links.list_referrers("aa", ids[5], 3) == ids[6:]
    assert request_table.calls - before == 3


@pytest.mark.parametrize("value", ["ALICE", "E-1", "alice@example.com", "ID"])
def test_candidates_are_found_by_any_key(links: DynamoDBLinkStore, store: DynamoDBResourceStore, value: str) -> None:
    created = build_user(userName="alice", externalId="E-1", emails=[{"value": "Alice@Example.com"}])
    store.write(None, created, CHANGE)
    matches = list(links.find_matching_user_ids(created.id if value == "ID" else value))
    assert [user_id for ids in matches for user_id in ids] == [created.id]
    assert [bool(ids) for ids in matches].index(True) == ["ID", "ALICE", "E-1", "alice@example.com"].index(value)
    assert not any(links.find_matching_user_ids("e-1"))
    assert not any(links.find_matching_user_ids('"'))


@pytest.mark.parametrize("value", ["\uff21\uff44\uff21", "stra\u1e9ee@example.com", "\u20ac" * 512], ids=len)
def test_candidates_are_found_by_normalized_values(
    links: DynamoDBLinkStore, store: DynamoDBResourceStore, value: str
) -> None:
    ada = build_user(userName="Ada", externalId="1", emails=[{"value": "Stra\u00dfe@Example.com"}])
    other = build_user(TWO, userName="\u20ac" * 512, externalId="2", emails=[{"value": "strasse@example.com"}])
    store.write(None, ada, CHANGE)
    store.write(None, other, CHANGE)
    matches = [user_id for ids in links.find_matching_user_ids(value) for user_id in ids]
    assert matches == [other.id if value.startswith("\u20ac") else ada.id]


def test_attribute_without_index_is_not_searched(
    request_table: Table, adapters: ScimApiAdapters, store: DynamoDBResourceStore
) -> None:
    store.write(None, build_user(userName="alice", externalId="E-1"), CHANGE)
    links = DynamoDBLinkStore(
        request_table, replace(adapters.resource_store_config, indexed={}), "acme", load_user_type()
    )
    assert not any(links.find_matching_user_ids("E-1"))
    assert [list(ids) for ids in links.find_matching_user_ids("alice")] == [[], [ONE_ID]]


def test_two_candidates_of_an_email_are_read(
    links: DynamoDBLinkStore, store: DynamoDBResourceStore, request_table: Table
) -> None:
    for number in range(5):
        shared = build_user(
            f"00000000-0000-4000-8000-00000000000{number}", userName=f"{number}", emails=[{"value": "hr@x"}]
        )
        store.write(None, shared, CHANGE)
    before = request_table.calls
    assert [len(ids) for ids in links.find_matching_user_ids("hr@x")] == [0, 0, 0, 2]
    assert request_table.calls - before == 3


def test_change_record_has_hash_of_removed_reference(store: DynamoDBResourceStore, items: Items) -> None:
    boss: Any = {ENTERPRISE: {"manager": {"value": "Boss"}}}
    first, second = build_user(**boss), build_user(version=2)
    store.write(None, first, CHANGE)
    store.write(first, second, CHANGE)
    third = build_user(version=3, **boss)
    store.write(second, third, CHANGE)
    store.write(third, None, CHANGE)
    removed = [item.get("dropped", {}).get("SS") for sort, item in sorted(items().items()) if sort.startswith("C#")]
    assert removed == [None, [hash_identifier("boss")], None, [hash_identifier("boss")]]
