"""Operations of a bulk request that free and take user names have the results of the order of the request.

RFC 7644 section 3.7 requires the same stateful result if a server changes the order.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import sleep
from typing import Any

import pytest

from scim.service.model.change_record import ChangeRecord
from scim.service.model.stored_resource import StoredResource
from scim.service.resources.bulk.processor import BulkProcessor
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import MemoryStore, RecordedOutcomes, build_context, build_service, build_user
from tests.service.resources.bulk.test_processor import BULK_REQUEST, PATCH_OP, Operation, delete, patch, post, put

WORKERS = 8


class SlowFirstStore(MemoryStore):
    """Delays each write. With ``rng`` the delays are random, else the first of simultaneous writes takes longest."""

    def __init__(self, *users: StoredResource, rng: random.Random | None = None) -> None:
        super().__init__(*users)
        self.rng = rng
        self.lock = Lock()
        self.write_attempts = 0

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        with self.lock:
            self.write_attempts += 1
        sleep(self.rng.random() * 0.002 if self.rng else 0.02 / self.write_attempts)
        with self.lock:
            super().write(before, after, change)

    @property
    def names(self) -> dict[str, str]:
        """The ids of the users by name."""
        return {user.resource["userName"]: user.id for user in self.users.values()}


@dataclass
class Outcome:
    statuses: list[str]
    recorded: RecordedOutcomes


def run(store: MemoryStore, *operations: Operation, workers: int = WORKERS, **members: Any) -> Outcome:
    context, outcomes = build_context(), RecordedOutcomes()
    processor = BulkProcessor({"users": build_service(store, context)}, context, lambda _: None, outcomes, workers)
    body = processor.run({"schemas": [BULK_REQUEST], "Operations": list(operations)} | members).body
    return Outcome([result["status"] for result in body["Operations"]], outcomes)


def patch_with(user_id: str, *operations: Operation) -> Operation:
    data = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return {"method": "PATCH", "path": f"/Users/{user_id}", "data": data}


RENAMES: list[Callable[[str, str], Operation]] = [
    put,
    lambda user_id, name: patch(user_id, "userName", name),
    lambda user_id, name: patch(user_id, f"{CORE}:USERNAME", name),
    lambda user_id, name: patch_with(user_id, {"op": "Add", "value": {"userName": name}}),
    lambda user_id, name: patch_with(user_id, {"op": "replace", "value": {f"{CORE}:userName": name}}),
    lambda user_id, name: patch_with(user_id, {"op": "replace", "value": {CORE: {"username": name}}}),
    lambda user_id, name: patch_with(user_id, {"op": "replace", "path": CORE, "value": {"userName": name}}),
]
RENAME_IDS = ["PUT", "path", "path with URN", "without path", "key with URN", "URN as key", "URN as path"]


class TestFreedNames:
    @pytest.mark.parametrize("member", [{}, {"failOnErrors": 1}], ids=["parallel", "failOnErrors"])
    def test_name_of_deleted_user(self, member: dict[str, Any]) -> None:
        ada = build_user("ada")
        store = SlowFirstStore(ada)

        outcome = run(store, delete(ada.id), post("ADA"), **member)

        assert outcome.statuses == ["204", "201"]
        assert (list(store.names), outcome.recorded.failures) == (["ADA"], [])

    @pytest.mark.parametrize("rename", RENAMES, ids=RENAME_IDS)
    def test_name_of_renamed_user(self, rename: Callable[[str, str], Operation]) -> None:
        ada, bob = build_user("ada"), build_user("bob")
        store = SlowFirstStore(ada, bob)

        outcome = run(store, rename(ada.id, "ada.king"), rename(bob.id, "ada"), post("bob"))

        assert outcome.statuses == ["200", "200", "201"]
        assert (store.names["ada.king"], store.names["ada"]) == (ada.id, bob.id)

    def test_chain_of_renames(self) -> None:
        users = [build_user(f"user-{number}") for number in range(30)]
        store = SlowFirstStore(*users)
        targets = ["new", *(f"user-{number}" for number in range(29))]

        outcome = run(store, *(put(user.id, target) for user, target in zip(users, targets, strict=True)))

        assert outcome.statuses == ["200"] * 30
        assert store.names == {target: user.id for user, target in zip(users, targets, strict=True)}

    def test_swap_through_a_third_name(self) -> None:
        ada, bob = build_user("ada"), build_user("bob")
        store = SlowFirstStore(ada, bob)

        outcome = run(store, put(ada.id, "x"), put(bob.id, "ada"), put(ada.id, "bob"))

        assert outcome.statuses == ["200"] * 3
        assert store.names == {"bob": ada.id, "ada": bob.id}

    def test_swap_is_a_conflict(self) -> None:
        """Neither operation can run first, so both fail as they would in single requests."""
        ada, bob = build_user("ada"), build_user("bob")
        store = SlowFirstStore(ada, bob)

        outcome = run(store, put(ada.id, "bob"), put(bob.id, "ada"))

        assert outcome.statuses == ["409", "409"]
        assert store.names == {"ada": ada.id, "bob": bob.id}
        assert len(outcome.recorded.failures) == 2

    def test_name_that_is_taken_and_freed_again(self) -> None:
        ada = build_user("ada")
        store = SlowFirstStore(ada)

        outcome = run(
            store, put(ada.id, "bob"), put(ada.id, "carol"), post("bob"), delete("bulkId:bob"), post("2", "BOB")
        )

        assert outcome.statuses == ["200", "200", "201", "204", "201"]
        assert list(store.names) == ["carol", "BOB"]

    def test_reference_waits_for_freed_name(self) -> None:
        boss = build_user("boss")
        store = SlowFirstStore(boss)
        worker = post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})

        outcome = run(store, worker, delete(boss.id), post("boss"), patch("bulkId:boss", "title", "Chef"))

        assert outcome.statuses == ["201", "204", "201", "200"]

    def test_operation_that_frees_a_name_refers_to_the_one_that_takes_it(self) -> None:
        ada = build_user("ada")
        store = SlowFirstStore(ada)
        rename = put(ada.id, "ada.king", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})

        outcome = run(store, rename, post("ada"), post("boss"))

        assert outcome.statuses == ["200", "201", "201"]

    def test_cycle_takes_freed_names(self) -> None:
        ada, bob = build_user("ada"), build_user("bob")
        store = SlowFirstStore(ada, bob)
        first = post("1", "ada", **{ENTERPRISE: {"manager": {"value": "bulkId:2"}}})
        second = post("2", "bob", **{ENTERPRISE: {"manager": {"value": "bulkId:1"}}})

        outcome = run(store, delete(ada.id), first, patch(bob.id, "userName", "robert"), second)

        assert outcome.statuses == ["204", "201", "200", "201"]
        assert list(store.names) == ["robert", "ada", "bob"]


class TestTakenNames:
    def test_first_of_equal_creates_succeeds(self) -> None:
        store = SlowFirstStore()

        outcome = run(store, *(post(f"{number}", "ada") for number in range(10)))

        assert outcome.statuses == ["201", *["409"] * 9]

    def test_later_deletion_does_not_free_the_name(self) -> None:
        ada = build_user("ada")
        store = SlowFirstStore(ada)

        outcome = run(store, post("1", "ada"), delete(ada.id), post("2", "Ada"))

        assert outcome.statuses == ["409", "204", "201"]
        assert list(store.names) == ["Ada"]

    def test_taken_name_is_one_failure(self) -> None:
        """It is recorded once, and the write is not repeated, since no operation frees the name."""
        store = SlowFirstStore(build_user("ada"), bob := build_user("bob"))

        outcome = run(store, delete(bob.id), post("1", "ada"), post("2", "carol"))

        assert outcome.statuses == ["204", "409", "201"]
        assert [error.status for _, error, _ in outcome.recorded.failures] == [409]
        assert store.write_attempts == 3

    @pytest.mark.parametrize(
        ("member", "expected"), [({}, ["409", "409", "201"]), ({"failOnErrors": 1}, ["409", "201"])]
    )
    def test_reference_to_a_later_create_with_a_taken_name(self, member: dict[str, Any], expected: list[str]) -> None:
        """The first operation waits for the second, which cannot wait for the first."""
        store = SlowFirstStore(build_user("boss"))
        worker = post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})

        assert run(store, worker, post("boss"), post("x"), **member).statuses == expected

    def test_repeated_request_writes_nothing_twice(self) -> None:
        store = SlowFirstStore(*(build_user(f"user-{number}") for number in range(100)))

        outcome = run(store, *(post(f"user-{number}") for number in range(100)))

        assert outcome.statuses == ["409"] * 100
        assert (store.write_attempts, len(outcome.recorded.failures)) == (100, 100)

    def test_fail_on_errors_ends_at_taken_name(self) -> None:
        ada = build_user("ada")
        store = SlowFirstStore(ada, build_user("bob"))

        outcome = run(store, delete(ada.id), post("ada"), post("bob"), post("carol"), failOnErrors=1)

        assert outcome.statuses == ["204", "201", "409"]
        assert list(store.names) == ["bob", "ada"]


NAMES = ["ada", "bob", "carol", "dave"]


def generate_operations(rng: random.Random, ids: list[str]) -> list[Operation]:
    """Return operations that create, rename and delete users with a few names."""
    operations: list[Operation] = []
    for number in range(rng.randint(2, 12)):
        name, user_id = rng.choice(NAMES), rng.choice(ids)
        operations.append(
            rng.choice(
                [
                    post(f"{number}", name),
                    delete(user_id),
                    rng.choice(RENAMES)(user_id, name),
                    patch(user_id, "title", f"{number}"),
                ]
            )
        )
    return operations


@pytest.mark.parametrize("seed", range(150))
def test_parallel_operations_have_results_of_sequential_ones(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # must be repeatable
    users = [build_user(name) for name in NAMES[:3]]
    operations = generate_operations(rng, [user.id for user in users])
    sequential, parallel = MemoryStore(*users), SlowFirstStore(*users, rng=rng)

    expected = [run(sequential, operation).statuses[0] for operation in operations]
    outcome = run(parallel, *operations)

    assert outcome.statuses == expected
    assert sorted(parallel.names) == sorted(user.resource["userName"] for user in sequential.users.values())
    assert len(outcome.recorded.failures) == len([status for status in expected if status >= "400"])
