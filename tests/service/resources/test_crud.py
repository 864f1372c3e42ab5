"""The use cases on single users, over a store in memory."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import MutabilityError, NotFound, PreconditionFailed, ScimError, Unavailable, UniquenessError
from scim.protocol.schema import load_user_type
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, NOW, Clock, MemoryStore, context, new_id, resources, user

LATER = "2026-02-01T00:00:00.000Z"
BADGE = "urn:example:badge:2.0:User"


def body(user_name: str = "alice", /, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": user_name} | attributes


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


def replace(path: str, value: Any) -> dict[str, Any]:
    return patch({"op": "replace", "path": path, "value": value})


WRITES: dict[str, Callable[[ResourceService, str, Preconditions], object]] = {
    "replace": lambda users, id_, preconditions: users.replace(id_, body(title="Chef"), preconditions),
    "patch": lambda users, id_, preconditions: users.patch(id_, replace("title", "Chef"), preconditions),
    "delete": lambda users, id_, preconditions: users.delete(id_, preconditions),
}
ON_ONE = WRITES | {"get": lambda users, id_, preconditions: users.get(id_, preconditions)}


# Create


def test_created_user_is_stored_at_version_1() -> None:
    store = MemoryStore()

    created = resources(store).create(body(displayName="Alice"))

    assert store.users == {created.id: created}
    assert (created.version, created.created, created.modified) == (1, NOW, NOW)
    assert created.resource == {
        "schemas": [CORE],
        "id": created.id,
        "userName": "alice",
        "displayName": "Alice",
        "active": True,
    }


@pytest.mark.parametrize(("sent", "active"), [({}, True), ({"active": True}, True), ({"active": False}, False)])
def test_created_user_is_active_by_default(sent: dict[str, bool], active: bool) -> None:
    created = resources(MemoryStore()).create(body(**sent))

    assert created.resource["active"] is active


def test_id_and_meta_of_the_client_are_ignored() -> None:
    created = resources(MemoryStore()).create(body(id="mine", meta={"created": "1999-12-31T23:59:59Z"}))

    assert created.id != "mine"
    assert created.created == NOW
    assert "meta" not in created.resource


def test_user_name_is_unique_regardless_of_case() -> None:
    store = MemoryStore(user("Alice@Example.com"))

    with pytest.raises(UniquenessError) as refused:
        resources(store).create(body("alice@example.COM"))

    assert "example" not in refused.value.detail.lower()
    assert len(store.users) == 1


def test_preconditions_of_a_creation() -> None:
    store = MemoryStore()

    resources(store).create(body("alice"), Preconditions.parse(None, "*"))
    with pytest.raises(PreconditionFailed):
        resources(store).create(body("bob"), Preconditions.parse("*", None))

    assert [user.resource["userName"] for user in store.users.values()] == ["alice"]


# What does not exist


@pytest.mark.parametrize("operation", ON_ONE)
def test_missing_user_is_not_found_with_any_precondition(operation: str) -> None:
    store = MemoryStore()

    with pytest.raises(NotFound):
        ON_ONE[operation](resources(store), new_id(), Preconditions.parse('"1"', None))

    assert store.changes == []


# Replace


def test_replace_keeps_only_id_and_time_of_creation() -> None:
    alice = user("alice", title="Chef", nickName="Al")
    store = MemoryStore(alice)

    replaced = resources(store, context(now=lambda: LATER)).replace(alice.id, body("alicia", displayName="A"))

    assert store.users == {alice.id: replaced}
    assert (replaced.version, replaced.created, replaced.modified) == (2, NOW, LATER)
    assert replaced.resource == {
        "schemas": [CORE],
        "id": alice.id,
        "userName": "alicia",
        "displayName": "A",
        "active": True,
    }


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("sent", [{}, {"active": None}])
def test_replace_without_active_keeps_it(active: bool, sent: dict[str, None]) -> None:
    alice = user("alice", active=active)

    replaced = resources(MemoryStore(alice)).replace(alice.id, body(title="Chef", **sent))

    assert replaced.resource["active"] is active


def test_sending_back_what_was_read_writes_nothing() -> None:
    alice = user("alice", title="Chef")
    store = MemoryStore(alice)
    read_back = alice.resource | {"meta": {"version": 'W/"1"', "location": BASE_URL}, "groups": [{"value": "x"}]}

    replaced = resources(store).replace(alice.id, read_back)

    assert replaced == alice
    assert store.changes == []


def test_immutable_attribute_can_be_assigned_once() -> None:
    number = {"name": "number", "type": "string", "mutability": "immutable"}
    kind = load_user_type().with_extensions([{"id": BADGE, "attributes": [number]}])
    alice = user("alice")
    users = resources(MemoryStore(alice), resource_type=kind)
    users.replace(alice.id, body(**{BADGE: {"number": "7"}}))

    with pytest.raises(MutabilityError):
        users.replace(alice.id, body(**{BADGE: {"number": "8"}}))

    assert users.get(alice.id).resource[BADGE] == {"number": "7"}


# Patch


def test_patch_changes_attributes_and_version() -> None:
    alice = user("alice", title="Chef")
    store = MemoryStore(alice)

    patched = resources(store).patch(alice.id, replace("displayName", "Alice"))

    assert store.users == {alice.id: patched}
    assert patched.version == 2
    assert patched.resource == alice.resource | {"displayName": "Alice"}


@pytest.mark.parametrize(
    "operations",
    [
        replace("title", "Chef"),
        patch({"op": "remove", "path": "nickName"}),
        patch({"op": "replace", "value": {"active": True}}),
        patch({"op": "add", "path": "nickName", "value": "Al"}, {"op": "remove", "path": "nickName"}),
    ],
    ids=["same value", "nothing to remove", "same without path", "there and back"],
)
def test_patch_without_a_change_writes_nothing(operations: dict[str, Any]) -> None:
    alice = user("alice", title="Chef")
    store = MemoryStore(alice)

    assert resources(store).patch(alice.id, operations) == alice
    assert store.changes == []


def test_patch_with_failing_operation_changes_nothing() -> None:
    alice = user("alice", title="Chef")
    store = MemoryStore(alice)
    first = {"op": "replace", "path": "title", "value": "Cook"}

    with pytest.raises(ScimError):
        resources(store).patch(alice.id, patch(first, {"op": "replace", "path": "active", "value": "maybe"}))

    assert store.users == {alice.id: alice}


@pytest.mark.parametrize("operation", ["replace", "patch"])
def test_renaming_to_a_name_that_is_taken_is_refused(operation: str) -> None:
    alice, bob = user("alice"), user("bob")
    store = MemoryStore(alice, bob)
    rename = {
        "replace": lambda: resources(store).replace(bob.id, body("ALICE")),
        "patch": lambda: resources(store).patch(bob.id, replace("userName", "ALICE")),
    }

    with pytest.raises(UniquenessError):
        rename[operation]()

    assert store.users == {alice.id: alice, bob.id: bob}


# Delete


def test_deleted_user_is_gone_and_its_name_is_free() -> None:
    alice = user("alice")
    store = MemoryStore(alice)

    resources(store).delete(alice.id)

    assert store.users == {}
    assert resources(store).create(body("alice")).id != alice.id


# Versions


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(("if_match", "if_none_match"), [('W/"2"', None), ('"7", W/"9"', None), (None, 'W/"3"')])
def test_if_match_with_another_version_fails(operation: str, if_match: str | None, if_none_match: str | None) -> None:
    alice = user("alice", version=3)
    store = MemoryStore(alice)

    with pytest.raises(PreconditionFailed):
        WRITES[operation](resources(store), alice.id, Preconditions.parse(if_match, if_none_match))

    assert store.users == {alice.id: alice}


@pytest.mark.parametrize("operation", ON_ONE)
@pytest.mark.parametrize("if_match", ['W/"3"', '"2", W/"3"', "*"])
def test_operation_with_current_version_succeeds(operation: str, if_match: str) -> None:
    alice = user("alice", version=3)

    ON_ONE[operation](resources(MemoryStore(alice)), alice.id, Preconditions.parse(if_match, None))


# Others write at the same time


def titled(store: MemoryStore, user_id: str, title: str) -> Callable[[], None]:
    """Another client, who sets the title."""

    def write() -> None:
        current = store.users[user_id]
        document = encode_json(current.resource | {"title": title})
        store.users[user_id] = dataclasses.replace(current, version=current.version + 1, document=document)

    return write


def test_patch_is_repeated_after_a_conflict() -> None:
    alice = user("alice")
    store = MemoryStore(alice)
    store.rivals = [titled(store, alice.id, "Cook"), titled(store, alice.id, "Chef")]

    patched = resources(store).patch(alice.id, replace("displayName", "Alice"))

    assert patched.version == 4
    assert patched.resource == alice.resource | {"title": "Chef", "displayName": "Alice"}


@pytest.mark.parametrize("operation", WRITES)
def test_write_with_an_outdated_version_is_rejected(operation: str) -> None:
    alice = user("alice")
    store = MemoryStore(alice)
    store.rivals = [titled(store, alice.id, "Cook")]

    with pytest.raises(PreconditionFailed):
        WRITES[operation](resources(store), alice.id, Preconditions.parse('W/"1"', None))

    assert store.users[alice.id].resource["title"] == "Cook"


@pytest.mark.parametrize("operation", WRITES)
def test_user_deleted_during_the_write_is_not_found(operation: str) -> None:
    alice = user("alice")
    store = MemoryStore(alice)
    store.rivals = [store.users.clear]

    with pytest.raises(NotFound):
        WRITES[operation](resources(store), alice.id, Preconditions())

    assert store.users == {}


def test_endless_conflicts_are_unavailable() -> None:
    alice = user("alice")
    store = MemoryStore(alice)
    store.rivals = [titled(store, alice.id, f"Title {number}") for number in range(1_000)]
    clock = Clock(left_s=5.0)

    with pytest.raises(Unavailable):
        resources(store, context(deadline=clock.deadline)).patch(alice.id, replace("displayName", "Alice"))

    assert clock.left_s >= 1.0
    assert "displayName" not in store.users[alice.id].resource


# The record of a change


def recorded(write: Callable[[ResourceService], object], *users: StoredResource) -> ChangeRecord:
    store = MemoryStore(*users)
    write(resources(store))
    (change,) = store.changes
    return change


def test_change_record_names_attributes_and_has_no_values() -> None:
    alice = user("alice", title="Chef")
    sent = body("alice", displayName="Alice", **{ENTERPRISE: {"department": "Kitchen"}})

    change = recorded(lambda users: users.replace(alice.id, sent), alice)

    assert change == ChangeRecord(
        at=NOW,
        operation=Operation.REPLACE,
        attributes_changed=["displayName", "title", f"{ENTERPRISE}:department"],
        participation=Participation.UNCHANGED,
        actor="scim",
        request_id="request-1",
        leniencies=[],
        resource_type="User",
        user_name="alice",
        external_id=None,
        active=True,
        ignored=[],
        attributes_sent=["userName", "displayName", f"{ENTERPRISE}:department"],
    )


@pytest.mark.parametrize(
    ("write", "sent", "changed"),
    [
        (lambda users, _: users.create(body("bob")), ["userName"], ["userName", "active"]),
        (lambda users, id_: users.patch(id_, patch({"op": "add", "value": {"title": "Cook"}})), ["title"], ["title"]),
        (
            lambda users, id_: users.patch(id_, replace(f"{ENTERPRISE}:manager", {"value": "boss"})),
            [f"{ENTERPRISE}:manager"],
            [f"{ENTERPRISE}:manager"],
        ),
        (
            lambda users, id_: users.replace(id_, body(title="Cook", **{ENTERPRISE: {"manager": {"value": ""}}})),
            ["userName", "title", f"{ENTERPRISE}:manager"],
            ["title"],
        ),
        (lambda users, id_: users.delete(id_), [], ["userName", "title", "active"]),
    ],
)
def test_change_record_names_sent_and_changed_attributes(
    write: Callable[[ResourceService, str], object], sent: list[str], changed: list[str]
) -> None:
    """An ``active`` of our own was not sent, a DELETE sends nothing, and a manager without a value was sent."""
    alice = user("alice", title="Chef")
    change = recorded(lambda users: write(users, alice.id), alice)
    assert (list(change.attributes_sent), sorted(change.attributes_changed)) == (sent, sorted(changed))


def test_active_since_is_the_write_that_changed_active() -> None:
    store, instants = MemoryStore(), iter([f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 8)])
    users = resources(store, context(now=lambda: next(instants)))
    alice = users.create(body())

    def since(write: dict[str, Any]) -> str:
        return users.patch(alice.id, write).active_since[:10]

    assert alice.active_since == alice.created
    assert [
        since(replace("title", "Chef")),
        since(replace("active", False)),
        since(replace("title", "Cook")),
        since(replace("active", True)),
        since(patch({"op": "remove", "path": "active"})),
        users.replace(alice.id, body(active=False)).active_since[:10],
    ] == ["2026-01-01", "2026-01-03", "2026-01-03", "2026-01-05", "2026-01-06", "2026-01-06"]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "active", "value": ""},
        {"op": "replace", "path": "active", "value": None},
        {"op": "replace", "value": {"active": ""}},
    ],
)
def test_clearing_active_keeps_its_value(operation: Any, active: bool) -> None:
    alice = user("alice", active=active)
    assert resources(MemoryStore(alice)).patch(alice.id, patch(operation)).resource["active"] is active


@pytest.mark.parametrize(
    ("before", "write", "operation", "participation"),
    [
        (None, lambda users, _: users.create(body()), "create", "joined"),
        (None, lambda users, _: users.create(body(active=False)), "create", "unchanged"),
        (True, lambda users, id_: users.patch(id_, replace("active", False)), "patch", "left"),
        (False, lambda users, id_: users.patch(id_, replace("active", True)), "patch", "joined"),
        (True, lambda users, id_: users.patch(id_, replace("title", "Chef")), "patch", "unchanged"),
        (True, lambda users, id_: users.patch(id_, patch({"op": "remove", "path": "active"})), "patch", "left"),
        (True, lambda users, id_: users.replace(id_, body(active=False)), "replace", "left"),
        (False, lambda users, id_: users.replace(id_, body(title="Chef")), "replace", "unchanged"),
        (True, lambda users, id_: users.delete(id_), "delete", "left"),
        (False, lambda users, id_: users.delete(id_), "delete", "unchanged"),
    ],
)
def test_participation_follows_from_active(
    before: bool | None, write: Callable[[ResourceService, str], object], operation: str, participation: str
) -> None:
    existing = [] if before is None else [user("alice", active=before)]
    user_id = existing[0].id if existing else ""

    change = recorded(lambda users: write(users, user_id), *existing)

    assert (change.operation, change.participation) == (operation, participation)


def test_change_record_names_leniencies() -> None:
    alice = user("alice")

    change = recorded(
        lambda users: users.patch(alice.id, patch({"op": "Replace", "value": {"active": "False"}})), alice
    )

    assert change.leniencies == ["pathless-patch", "string-boolean"]
