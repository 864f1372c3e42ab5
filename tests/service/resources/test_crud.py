"""The use cases of single users, on a store in memory."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.errors import MutabilityError, NotFound, PreconditionFailed, ScimError, Unavailable, UniquenessError
from scim.protocol.schema import load_user_type
from scim.service.deadline import Deadline
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, NOW, Clock, MemoryStore, build_context, build_service, build_user, new_id

LATER = "2026-02-01T00:00:00.000Z"
BADGE = "urn:example:badge:2.0:User"


def build_body(user_name: str = "alice", /, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": user_name} | attributes


def build_patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


def build_replace(path: str, value: Any) -> dict[str, Any]:
    return build_patch({"op": "replace", "path": path, "value": value})


WRITES: dict[str, Callable[[ResourceService, str, Preconditions], object]] = {
    "replace": lambda users, id_, preconditions: users.replace(id_, build_body(title="Chef"), preconditions),
    "patch": lambda users, id_, preconditions: users.patch(id_, build_replace("title", "Chef"), preconditions),
    "delete": lambda users, id_, preconditions: users.delete(id_, preconditions),
}
OPERATIONS = WRITES | {"get": lambda users, id_, preconditions: users.get(id_, preconditions)}


class TestCreate:
    def test_created_user_is_stored_at_version_1(self) -> None:
        store = MemoryStore()

        created = build_service(store).create(build_body(displayName="Alice"))

        assert store.users == {created.id: created}
        assert (created.version, created.created, created.modified) == (1, NOW, NOW)
        assert created.resource == {
            "schemas": [CORE],
            "id": created.id,
            "userName": "alice",
            "displayName": "Alice",
            "active": True,
        }

    @pytest.mark.parametrize(
        ("sent", "active"),
        [
            ({}, True),
            ({"active": True}, True),
            ({"active": False}, False),
            ({"active": None}, True),
            ({"active": ""}, True),
        ],
    )
    def test_created_user_is_active_by_default(self, sent: dict[str, Any], active: bool) -> None:
        created = build_service(MemoryStore()).create(build_body(**sent))

        assert created.resource["active"] is active

    def test_id_and_meta_are_ignored(self) -> None:
        created = build_service(MemoryStore()).create(build_body(id="mine", meta={"created": "1999-12-31T23:59:59Z"}))

        assert created.id != "mine"
        assert created.created == NOW
        assert "meta" not in created.resource

    def test_user_name_is_unique_regardless_of_case(self) -> None:
        store = MemoryStore(build_user("Alice@Example.com"))

        with pytest.raises(UniquenessError) as error:
            build_service(store).create(build_body("alice@example.COM"))

        assert "example" not in error.value.detail.lower()
        assert len(store.users) == 1

    def test_preconditions_of_a_creation(self) -> None:
        store = MemoryStore()

        build_service(store).create(build_body("alice"), Preconditions.parse(None, "*"))
        with pytest.raises(PreconditionFailed):
            build_service(store).create(build_body("bob"), Preconditions.parse("*", None))

        assert [user.resource["userName"] for user in store.users.values()] == ["alice"]


class TestMissingUsers:
    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_missing_user_precedes_preconditions(self, operation: str) -> None:
        store = MemoryStore()

        with pytest.raises(NotFound):
            OPERATIONS[operation](build_service(store), new_id(), Preconditions.parse('"1"', None))

        assert store.changes == []


class TestReplace:
    def test_replace_keeps_only_id_and_created(self) -> None:
        alice = build_user("alice", title="Chef", nickName="Al")
        store = MemoryStore(alice)

        replaced = build_service(store, build_context(now=lambda: LATER)).replace(
            alice.id, build_body("alicia", displayName="A")
        )

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
    @pytest.mark.parametrize("sent", [{}, {"active": None}, {"active": ""}])
    def test_replace_without_active_keeps_it(self, active: bool, sent: dict[str, Any]) -> None:
        alice = build_user("alice", active=active)

        replaced = build_service(MemoryStore(alice)).replace(alice.id, build_body(title="Chef", **sent))

        assert replaced.resource["active"] is active

    def test_replace_with_same_values_writes_nothing(self) -> None:
        alice = build_user("alice", title="Chef")
        store = MemoryStore(alice)
        read_back = alice.resource | {"meta": {"version": 'W/"1"', "location": BASE_URL}, "groups": [{"value": "x"}]}

        replaced = build_service(store).replace(alice.id, read_back)

        assert replaced == alice
        assert store.changes == []

    def test_immutable_attribute_can_be_assigned_once(self) -> None:
        number = {"name": "number", "type": "string", "mutability": "immutable"}
        resource_type = load_user_type().with_extensions([{"id": BADGE, "attributes": [number]}])
        alice = build_user("alice")
        users = build_service(MemoryStore(alice), resource_type=resource_type)
        users.replace(alice.id, build_body(**{BADGE: {"number": "7"}}))

        with pytest.raises(MutabilityError):
            users.replace(alice.id, build_body(**{BADGE: {"number": "8"}}))

        assert users.get(alice.id).resource[BADGE] == {"number": "7"}


class TestPatch:
    def test_patch_changes_attributes_and_version(self) -> None:
        alice = build_user("alice", title="Chef")
        store = MemoryStore(alice)

        patched = build_service(store).patch(alice.id, build_replace("displayName", "Alice"))

        assert store.users == {alice.id: patched}
        assert patched.version == 2
        assert patched.resource == alice.resource | {"displayName": "Alice"}

    @pytest.mark.parametrize(
        "operations",
        [
            build_replace("title", "Chef"),
            build_patch({"op": "remove", "path": "nickName"}),
            build_patch({"op": "replace", "value": {"active": True}}),
            build_patch({"op": "add", "path": "nickName", "value": "Al"}, {"op": "remove", "path": "nickName"}),
        ],
        ids=["same value", "nothing to remove", "same without path", "there and back"],
    )
    def test_patch_without_a_change_writes_nothing(self, operations: dict[str, Any]) -> None:
        alice = build_user("alice", title="Chef")
        store = MemoryStore(alice)

        assert build_service(store).patch(alice.id, operations) == alice
        assert store.changes == []

    def test_patch_with_failing_operation_changes_nothing(self) -> None:
        alice = build_user("alice", title="Chef")
        store = MemoryStore(alice)
        first = {"op": "replace", "path": "title", "value": "Cook"}

        with pytest.raises(ScimError):
            build_service(store).patch(
                alice.id, build_patch(first, {"op": "replace", "path": "active", "value": "maybe"})
            )

        assert store.users == {alice.id: alice}

    @pytest.mark.parametrize("operation", ["replace", "patch"])
    def test_rename_to_existing_name_is_rejected(self, operation: str) -> None:
        alice, bob = build_user("alice"), build_user("bob")
        store = MemoryStore(alice, bob)
        rename = {
            "replace": lambda: build_service(store).replace(bob.id, build_body("ALICE")),
            "patch": lambda: build_service(store).patch(bob.id, build_replace("userName", "ALICE")),
        }

        with pytest.raises(UniquenessError):
            rename[operation]()

        assert store.users == {alice.id: alice, bob.id: bob}


class TestDelete:
    def test_name_of_deleted_user_is_available(self) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)

        build_service(store).delete(alice.id)

        assert store.users == {}
        assert build_service(store).create(build_body("alice")).id != alice.id


class TestVersions:
    @pytest.mark.parametrize("operation", WRITES)
    @pytest.mark.parametrize(("if_match", "if_none_match"), [('W/"2"', None), ('"7", W/"9"', None), (None, 'W/"3"')])
    def test_if_match_with_another_version_fails(
        self, operation: str, if_match: str | None, if_none_match: str | None
    ) -> None:
        alice = build_user("alice", version=3)
        store = MemoryStore(alice)

        with pytest.raises(PreconditionFailed):
            WRITES[operation](build_service(store), alice.id, Preconditions.parse(if_match, if_none_match))

        assert store.users == {alice.id: alice}

    @pytest.mark.parametrize("operation", OPERATIONS)
    @pytest.mark.parametrize("if_match", ['W/"3"', '"2", W/"3"', "*"])
    def test_operation_with_current_version_succeeds(self, operation: str, if_match: str) -> None:
        alice = build_user("alice", version=3)

        OPERATIONS[operation](build_service(MemoryStore(alice)), alice.id, Preconditions.parse(if_match, None))


def set_title(store: MemoryStore, user_id: str, title: str) -> Callable[[], None]:
    """Return a function that sets the title, as another client would."""

    def write() -> None:
        current = store.users[user_id]
        document = encode_json(current.resource | {"title": title})
        store.users[user_id] = dataclasses.replace(current, version=current.version + 1, document=document)

    return write


class TestConcurrentWrites:
    def test_patch_is_repeated_after_a_conflict(self) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)
        store.concurrent_writes = [set_title(store, alice.id, "Cook"), set_title(store, alice.id, "Chef")]

        patched = build_service(store).patch(alice.id, build_replace("displayName", "Alice"))

        assert patched.version == 4
        assert patched.resource == alice.resource | {"title": "Chef", "displayName": "Alice"}

    @pytest.mark.parametrize("operation", WRITES)
    def test_write_with_outdated_version_is_rejected(self, operation: str) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)
        store.concurrent_writes = [set_title(store, alice.id, "Cook")]

        with pytest.raises(PreconditionFailed):
            WRITES[operation](build_service(store), alice.id, Preconditions.parse('W/"1"', None))

        assert store.users[alice.id].resource["title"] == "Cook"

    @pytest.mark.parametrize("operation", WRITES)
    def test_user_deleted_during_the_write_is_not_found(self, operation: str) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)
        store.concurrent_writes = [store.users.clear]

        with pytest.raises(NotFound):
            WRITES[operation](build_service(store), alice.id, Preconditions())

        assert store.users == {}

    def test_repeated_conflicts_are_unavailable(self) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)
        store.concurrent_writes = [set_title(store, alice.id, f"Title {number}") for number in range(1_000)]
        clock = Clock(left_s=5.0)

        with pytest.raises(Unavailable):
            build_service(store, build_context(deadline=clock.deadline)).patch(
                alice.id, build_replace("displayName", "Alice")
            )

        assert clock.left_s >= 1.0
        assert "displayName" not in store.users[alice.id].resource


class TestTime:
    def test_patch_without_time_changes_nothing(self) -> None:
        """The time runs out during the PATCH: after it has read the user and written two attributes."""
        alice = build_user("alice")
        store = MemoryStore(alice)
        left_s = iter([29.0, 4.0, 3.9])
        deadline = Deadline(lambda: next(left_s), lambda _: None)

        operation = {"op": "replace", "value": {"title": "x", "nickName": "x", "displayName": "x"}}
        data = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}

        with pytest.raises(Unavailable) as raised:
            build_service(store, build_context(deadline=deadline)).patch(alice.id, data)

        assert raised.value.headers == {"Retry-After": "1"}
        assert (store.users, store.changes) == ({alice.id: alice}, [])


def record_change(write: Callable[[ResourceService], object], *users: StoredResource) -> ChangeRecord:
    store = MemoryStore(*users)
    write(build_service(store))
    (change,) = store.changes
    return change


class TestChangeRecords:
    def test_change_record_has_no_values(self) -> None:
        alice = build_user("alice", title="Chef")
        sent = build_body("alice", displayName="Alice", **{ENTERPRISE: {"department": "Kitchen"}})

        change = record_change(lambda users: users.replace(alice.id, sent), alice)

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
            (lambda users, _: users.create(build_body("bob")), ["userName"], ["userName", "active"]),
            (
                lambda users, id_: users.patch(id_, build_patch({"op": "add", "value": {"title": "Cook"}})),
                ["title"],
                ["title"],
            ),
            (
                lambda users, id_: users.patch(id_, build_replace(f"{ENTERPRISE}:manager", {"value": "boss"})),
                [f"{ENTERPRISE}:manager"],
                [f"{ENTERPRISE}:manager"],
            ),
            (
                lambda users, id_: users.replace(
                    id_, build_body(title="Cook", **{ENTERPRISE: {"manager": {"value": ""}}})
                ),
                ["userName", "title", f"{ENTERPRISE}:manager"],
                ["title"],
            ),
            (lambda users, id_: users.delete(id_), [], ["userName", "title", "active"]),
        ],
    )
    def test_change_record_has_sent_and_changed_attributes(
        self, write: Callable[[ResourceService, str], object], sent: list[str], changed: list[str]
    ) -> None:
        """A default ``active`` is not sent, a DELETE sends nothing, and a manager without a value is sent."""
        alice = build_user("alice", title="Chef")
        change = record_change(lambda users: write(users, alice.id), alice)
        assert (list(change.attributes_sent), sorted(change.attributes_changed)) == (sent, sorted(changed))

    def test_active_since_is_last_change_of_active(self) -> None:
        store, instants = MemoryStore(), iter([f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 8)])
        users = build_service(store, build_context(now=lambda: next(instants)))
        alice = users.create(build_body())

        def change(write: dict[str, Any]) -> str:
            return users.patch(alice.id, write).active_since[:10]

        assert alice.active_since == alice.created
        assert [
            change(build_replace("title", "Chef")),
            change(build_replace("active", False)),
            change(build_replace("title", "Cook")),
            change(build_replace("active", True)),
            change(build_patch({"op": "remove", "path": "active"})),
            users.replace(alice.id, build_body(active=False)).active_since[:10],
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
    def test_clearing_active_keeps_its_value(self, operation: Any, active: bool) -> None:
        alice = build_user("alice", active=active)
        assert build_service(MemoryStore(alice)).patch(alice.id, build_patch(operation)).resource["active"] is active

    @pytest.mark.parametrize(
        "empty",
        [
            {"op": "replace", "path": "active", "value": ""},
            {"op": "add", "path": "active", "value": None},
            {"op": "replace", "value": {"active": ""}},
        ],
    )
    @pytest.mark.parametrize(
        "deactivation",
        [{"op": "replace", "path": "active", "value": False}, {"op": "remove", "path": f"{CORE}.active"}],
    )
    def test_empty_active_does_not_undo_a_deactivation(self, deactivation: Any, empty: Any) -> None:
        """Neither in the same PATCH, nor in the next one, nor in a PUT."""
        alice = build_user("alice", active=True)
        together, users = build_service(MemoryStore(alice)), build_service(MemoryStore(alice))

        assert together.patch(alice.id, build_patch(deactivation, empty)).resource.get("active") is not True
        assert users.patch(alice.id, build_patch(deactivation)).resource.get("active") is not True
        assert users.patch(alice.id, build_patch(empty)).resource.get("active") is not True
        assert users.replace(alice.id, build_body()).resource.get("active") is not True
        assert users.replace(alice.id, build_body(active="")).resource.get("active") is not True

    @pytest.mark.parametrize(
        ("before", "write", "operation", "participation"),
        [
            (None, lambda users, _: users.create(build_body()), "create", "joined"),
            (None, lambda users, _: users.create(build_body(active=False)), "create", "unchanged"),
            (True, lambda users, id_: users.patch(id_, build_replace("active", False)), "patch", "left"),
            (False, lambda users, id_: users.patch(id_, build_replace("active", True)), "patch", "joined"),
            (True, lambda users, id_: users.patch(id_, build_replace("title", "Chef")), "patch", "unchanged"),
            (
                True,
                lambda users, id_: users.patch(id_, build_patch({"op": "remove", "path": "active"})),
                "patch",
                "left",
            ),
            (True, lambda users, id_: users.replace(id_, build_body(active=False)), "replace", "left"),
            (False, lambda users, id_: users.replace(id_, build_body(title="Chef")), "replace", "unchanged"),
            (True, lambda users, id_: users.delete(id_), "delete", "left"),
            (False, lambda users, id_: users.delete(id_), "delete", "unchanged"),
        ],
    )
    def test_participation_follows_from_active(
        self, before: bool | None, write: Callable[[ResourceService, str], object], operation: str, participation: str
    ) -> None:
        existing = [] if before is None else [build_user("alice", active=before)]
        user_id = existing[0].id if existing else ""

        change = record_change(lambda users: write(users, user_id), *existing)

        assert (change.operation, change.participation) == (operation, participation)

    def test_change_record_has_leniencies(self) -> None:
        alice = build_user("alice")

        change = record_change(
            lambda users: users.patch(alice.id, build_patch({"op": "Replace", "value": {"active": "False"}})), alice
        )

        assert change.leniencies == ["pathless-patch", "string-boolean"]
