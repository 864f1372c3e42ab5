"""Bulk: RFC 7644, section 3.7, over a store in memory."""

from collections.abc import Callable
from threading import Lock
from time import sleep
from typing import Any

import pytest

from scim.protocol.errors import InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import BULK_RESPONSE
from scim.service.model.audit.failure import RequestSummary
from scim.service.model.change_record import ChangeRecord
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.resources.bulk import BulkProcessor
from scim.service.resources.context import ServiceContext
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, Clock, MemoryStore, RecordedOutcomes, context, new_id, resources, user

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = dict[str, Any]


def run(
    store: MemoryStore,
    *operations: object,
    known: ServiceContext | None = None,
    report_fault: Callable[[Exception], None] = lambda _: None,
    workers: int = 1,
    **members: Any,
) -> list[dict[str, Any]]:
    """The results of a bulk request."""
    known = known or context()
    request = {"schemas": [BULK_REQUEST], "Operations": list(operations)} | members
    answer = (
        BulkProcessor({"users": resources(store, known)}, known, report_fault, RecordedOutcomes(), workers)
        .run(request)
        .body
    )
    assert answer["schemas"] == [BULK_RESPONSE]
    results: list[dict[str, Any]] = answer["Operations"]
    return results


def post(bulk_id: str, user_name: str | None = None, /, **attributes: Any) -> Operation:
    data = {"schemas": [CORE], "userName": user_name or bulk_id} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def put(user_id: str, user_name: str, **attributes: Any) -> Operation:
    return {
        "method": "PUT",
        "path": f"/Users/{user_id}",
        "data": {"schemas": [CORE], "userName": user_name} | attributes,
    }


def patch(user_id: str, path: str, value: Any) -> Operation:
    data = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}
    return {"method": "PATCH", "path": f"/Users/{user_id}", "data": data}


def delete(user_id: str) -> Operation:
    return {"method": "DELETE", "path": f"/Users/{user_id}"}


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def location(user_id: str) -> str:
    return f"{BASE_URL}/Users/{user_id}"


def test_results_are_in_the_order_of_the_operations() -> None:
    alice, bob, carol = user("alice"), user("bob"), user("carol")
    store = MemoryStore(alice, bob, carol)

    results = run(
        store, post("dave"), put(alice.id, "alice", title="Chef"), patch(bob.id, "title", "Cook"), delete(carol.id)
    )

    dave = next(user for user in store.users.values() if user.resource["userName"] == "dave")
    assert results == [
        {"method": "POST", "bulkId": "dave", "location": location(dave.id), "version": 'W/"1"', "status": "201"},
        {"method": "PUT", "location": location(alice.id), "version": 'W/"2"', "status": "200"},
        {"method": "PATCH", "location": location(bob.id), "version": 'W/"2"', "status": "200"},
        {"method": "DELETE", "location": location(carol.id), "status": "204"},
    ]


def test_failed_operation_has_an_error_and_stops_no_other() -> None:
    store = MemoryStore(user("alice"))

    first, second, third = run(store, post("bob"), post("again", "ALICE"), post("carol"))

    assert statuses([first, second, third]) == ["201", "409", "201"]
    assert second.keys() == {"method", "bulkId", "status", "response"}
    assert (second["response"]["status"], second["response"]["scimType"]) == ("409", "uniqueness")
    assert sorted(user.resource["userName"] for user in store.users.values()) == ["alice", "bob", "carol"]


def test_failed_operation_has_a_location() -> None:
    missing = new_id()

    results = run(MemoryStore(), put(missing, "alice"), patch(missing, "title", "Chef"), delete(missing))

    assert statuses(results) == ["404"] * 3
    assert [result["location"] for result in results] == [location(missing)] * 3


def test_path_in_any_case_with_trailing_slash() -> None:
    results = run(MemoryStore(), post("alice") | {"path": "users/"}, post("bob") | {"path": "/USERS", "method": "post"})

    assert statuses(results) == ["201", "201"]


@pytest.mark.parametrize(
    ("operation", "status", "scim_type"),
    [
        ({"method": "POST", "path": "/Users", "data": {"userName": "alice"}}, "400", "invalidSyntax"),
        (post("") | {"data": {"userName": "alice"}}, "400", "invalidSyntax"),
        (post("alice") | {"data": None}, "400", "invalidSyntax"),
        (post("alice") | {"data": {"schemas": [CORE]}}, "400", "invalidValue"),
        (post("alice") | {"path": "/Users/2819c223"}, "400", "invalidValue"),
        (post("alice") | {"path": "/Groups"}, "404", None),
        (post("alice") | {"path": "/Users/a/b"}, "404", None),
        (post("alice") | {"path": ""}, "404", None),
        (post("alice") | {"path": 7}, "400", "invalidValue"),
        ({"method": "POST", "bulkId": "alice", "data": {}}, "400", "invalidSyntax"),
        ({"method": "GET", "path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "DELETE", "path": "/Users"}, "400", "invalidValue"),
        ({"path": "/Users"}, "400", "invalidSyntax"),
        ("DELETE everything", "400", "invalidSyntax"),
        (None, "400", "invalidSyntax"),
    ],
)
def test_wrong_operation_is_rejected_alone(operation: Any, status: str, scim_type: str | None) -> None:
    store = MemoryStore()

    results = run(store, operation, post("bob"))

    assert statuses(results) == [status, "201"]
    assert results[0]["response"].get("scimType") == scim_type
    assert [user.resource["userName"] for user in store.users.values()] == ["bob"]


# References


def test_reference_is_replaced_by_the_created_id() -> None:
    store = MemoryStore()

    run(store, post("boss"), post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}))

    boss, worker = store.users.values()
    assert worker.resource[ENTERPRISE]["manager"]["value"] == boss.id


def test_reference_in_a_path_is_replaced() -> None:
    store = MemoryStore()

    results = run(store, post("alice"), patch("bulkId:alice", "title", "Chef"), delete("bulkId:alice"))

    assert statuses(results) == ["201", "200", "204"]
    assert len({result["location"] for result in results}) == 1
    assert store.users == {}


def test_reference_may_lead_forward() -> None:
    store = MemoryStore()

    results = run(store, post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}), post("boss"))

    boss, worker = store.users.values()
    assert statuses(results) == ["201", "201"]
    assert worker.resource[ENTERPRISE]["manager"]["value"] == boss.id


def cycle(*names: str) -> list[Operation]:
    """Users in a cycle: the manager of each is the next one, and that of the last one is the first."""
    following = [*names[1:], names[0]]
    return [
        post(name, **{ENTERPRISE: {"manager": {"value": f"bulkId:{boss}"}}})
        for name, boss in zip(names, following, strict=True)
    ]


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
@pytest.mark.parametrize("workers", [1, 4])
def test_references_may_lead_in_a_cycle(names: str, workers: int) -> None:
    store = MemoryStore()

    results = run(store, *cycle(*names), workers=workers)

    users = {user.resource["userName"]: user for user in store.users.values()}
    managers = [users[name].resource[ENTERPRISE]["manager"]["value"] for name in names]
    assert statuses(results) == ["201"] * len(names)
    assert managers == [users[name].id for name in [*names[1:], names[0]]]


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("failures", [None, 1])
def test_cycle_of_which_one_fails_leaves_nothing(failing: int, failures: int | None) -> None:
    store = MemoryStore(user("taken"))
    operations = cycle("a", "b", "c")
    operations[failing]["data"]["userName"] = "taken"
    members: Any = {} if failures is None else {"failOnErrors": failures}

    results = run(store, *operations, patch("bulkId:a", "title", "Chef"), **members)

    assert set(statuses(results)) == {"409"}
    assert [user.resource["userName"] for user in store.users.values()] == ["taken"]


def test_reference_into_a_failing_cycle_fails() -> None:
    store = MemoryStore(user("taken"))
    boss, deputy = cycle("boss", "deputy")
    deputy["data"]["userName"] = "taken"

    results = run(store, boss, deputy, post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}), post("x"))

    assert statuses(results) == ["409", "409", "409", "201"]
    assert sorted(user.resource["userName"] for user in store.users.values()) == ["taken", "x"]


@pytest.mark.parametrize("operations", [[], [post("bob", userType=7)], [post("bob", "alice")]])
def test_reference_to_a_failed_operation_is_a_conflict(operations: list[Operation]) -> None:
    alice = user("alice")
    store = MemoryStore(alice)

    *_, result = run(store, *operations, patch(alice.id, "manager", "bulkId:bob"))

    assert result["status"] == "409"
    assert store.users == {alice.id: alice}


def test_bulk_id_must_be_unique() -> None:
    store = MemoryStore(user("alice"))

    results = run(store, post("a", "alice"), post("a", "bob"), post("b", "carol"), post("b", "dave"))

    assert statuses(results) == ["409", "400", "201", "400"]
    assert [user.resource["userName"] for user in store.users.values()] == ["alice", "carol"]


# Versions


def test_version_is_a_precondition() -> None:
    alice, bob = user("alice", version=3), user("bob", version=3)
    store = MemoryStore(alice, bob)

    results = run(
        store,
        put(alice.id, "alice", title="Chef") | {"version": 'W/"2"'},
        patch(alice.id, "title", "Chef") | {"version": 'W/"2"'},
        delete(alice.id) | {"version": 'W/"2"'},
        delete(bob.id) | {"version": 'W/"3"'},
    )

    assert statuses(results) == ["412", "412", "412", "204"]
    assert store.users == {alice.id: alice}


def test_operations_on_one_user_keep_their_order() -> None:
    alice = user("alice")
    store = MemoryStore(alice)

    results = run(store, *(patch(alice.id, "title", f"Title {number}") for number in range(9)))

    assert [result["version"] for result in results] == [f'W/"{number}"' for number in range(2, 11)]
    assert store.users[alice.id].resource["title"] == "Title 8"


class BusyStore(MemoryStore):
    """Tells how many writes were under way at once."""

    def __init__(self, *users: StoredResource) -> None:
        super().__init__(*users)
        self.lock = Lock()
        self.under_way = self.most = 0

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        sleep(0.005)
        with self.lock:
            super().write(before, after, change)
            self.under_way -= 1


def test_operations_run_side_by_side() -> None:
    store = BusyStore()

    results = run(store, *(post(f"user-{number}") for number in range(40)), workers=4)

    assert statuses(results) == ["201"] * 40
    assert [result["bulkId"] for result in results] == [f"user-{number}" for number in range(40)]
    assert store.most == 4


def test_operations_on_one_user_keep_their_order_in_parallel_with_others() -> None:
    alice = user("alice")
    store = BusyStore(alice)
    titles = [patch(alice.id, "title", f"Title {number}") for number in range(5)]
    others = [post(f"user-{number}") for number in range(5)]

    results = run(store, *(operation for pair in zip(titles, others, strict=True) for operation in pair), workers=4)

    assert [result["version"] for result in results[::2]] == [f'W/"{number}"' for number in range(2, 7)]
    assert store.users[alice.id].resource["title"] == "Title 4"


def test_with_fail_on_errors_one_runs_at_a_time() -> None:
    store = BusyStore()

    run(store, *(post(f"user-{number}") for number in range(5)), workers=4, failOnErrors=1)

    assert store.most == 1


# failOnErrors


@pytest.mark.parametrize(
    ("limit", "answered"),
    [(1, ["201", "409"]), (2, ["201", "409", "201", "409"]), (3, ["201", "409", "201", "409", "201"])],
)
def test_response_ends_at_the_maximum_of_errors(limit: int, answered: list[str]) -> None:
    store = MemoryStore(user("alice"))
    operations = [post("b"), post("x", "alice"), post("c"), post("y", "alice"), post("d")]

    results = run(store, *operations, failOnErrors=limit)

    assert statuses(results) == answered
    assert len(store.users) == 1 + answered.count("201")


# Limits


@pytest.mark.slow
def test_thousand_operations_are_carried_out() -> None:
    store = MemoryStore()

    results = run(store, *(post(f"user-{number}") for number in range(1_000)))

    assert statuses(results) == ["201"] * 1_000
    assert len(store.users) == 1_000


def test_too_many_operations_are_rejected() -> None:
    store = MemoryStore()

    with pytest.raises(PayloadTooLarge):
        run(store, *(post(f"user-{number}") for number in range(1_001)))

    assert store.users == {}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ([], InvalidSyntax),
        ({"schemas": [BULK_REQUEST]}, InvalidSyntax),
        ({"schemas": [BULK_REQUEST], "Operations": []}, InvalidSyntax),
        ({"schemas": [BULK_REQUEST], "Operations": {}}, InvalidValue),
        ({"schemas": [PATCH_OP], "Operations": [post("alice")]}, InvalidSyntax),
        ({"schemas": [BULK_REQUEST], "Operations": [post("alice")], "failOnErrors": 0}, InvalidValue),
        ({"schemas": [BULK_REQUEST], "Operations": [post("alice")], "failOnErrors": "1"}, InvalidValue),
    ],
)
def test_malformed_bulk_request_is_rejected(request_: Any, error: type[Exception]) -> None:
    store = MemoryStore()
    known = context()

    with pytest.raises(error):
        BulkProcessor({"users": resources(store, known)}, known, lambda _: None, RecordedOutcomes()).run(request_)

    assert store.users == {}


class SlowStore(MemoryStore):
    """Takes three seconds for a write."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        super().write(before, after, change)
        self.clock.left_s -= 3.0


def test_operations_without_time_have_status_503() -> None:
    clock = Clock(left_s=12.0)
    store = SlowStore(clock)

    results = run(store, *(post(f"user-{number}") for number in range(6)), known=context(deadline=clock.deadline))

    assert statuses(results) == ["201", "201", "201", "503", "503", "503"]
    assert [result["bulkId"] for result in results] == [f"user-{number}" for number in range(6)]
    assert len(store.users) == 3


def run_slowly(
    *operations: Operation, left_s: float, **members: Any
) -> tuple[list[dict[str, Any]], RecordedOutcomes, int]:
    """The results of a bulk request whose writes take 3 s each, what was recorded, and how many were not attempted."""
    clock, outcomes = Clock(left_s=left_s), RecordedOutcomes()
    known = context(deadline=clock.deadline)
    bulk = BulkProcessor({"users": resources(SlowStore(clock), known)}, known, lambda _: None, outcomes, 1)
    result = bulk.run({"schemas": [BULK_REQUEST], "Operations": list(operations)} | members)
    return result.body["Operations"], outcomes, result.not_attempted_count


def test_operations_not_attempted_are_no_failures() -> None:
    results, outcomes, not_attempted = run_slowly(*(post(f"user-{number}") for number in range(6)), left_s=12.0)

    assert statuses(results) == ["201", "201", "201", "503", "503", "503"]
    assert (outcomes.failures, len(outcomes.successes), not_attempted) == ([], 3, 3)


def test_operation_undone_without_time_is_no_failure() -> None:
    """The first of a cycle is created, the second has no time: neither is the customer's failure."""
    first = post("a", **{ENTERPRISE: {"manager": {"value": "bulkId:b"}}})
    second = post("b", **{ENTERPRISE: {"manager": {"value": "bulkId:a"}}})

    results, outcomes, not_attempted = run_slowly(first, second, left_s=7.0)

    assert statuses(results) == ["503", "503"]
    assert (outcomes.failures, not_attempted) == ([], 2)


def test_reference_to_a_fault_is_unavailable() -> None:
    """The creator fails by a fault of the service, so the client is told to send both again."""

    class Broken(MemoryStore):
        def write(self, *_: Any) -> None:
            raise RuntimeError

    results = run(Broken(), post("boss"), post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}))

    assert statuses(results) == ["500", "503"]


# Faults


class BrokenStore(MemoryStore):
    """Fails where a certain user is written, and says something that nobody must read."""

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        if after is not None and after.resource["userName"] == "broken":
            raise RuntimeError("secret inside")
        super().write(before, after, change)


def test_fault_is_reported_not_sent() -> None:
    faults: list[Exception] = []

    results = run(BrokenStore(), post("alice"), post("broken"), post("bob"), report_fault=faults.append)

    assert statuses(results) == ["201", "500", "201"]
    assert "request-1" in results[1]["response"]["detail"]
    assert "secret inside" not in str(results)
    assert [str(fault) for fault in faults] == ["secret inside"]


# Leniencies


def test_leniencies_by_operation_and_request() -> None:
    alice, bob = user("alice"), user("bob")
    store, known = MemoryStore(alice, bob), context()

    run(store, patch(alice.id, "active", "False"), patch(bob.id, "title", "Chef"), known=known)

    assert [change.leniencies for change in store.changes] == [["string-boolean"], []]
    assert known.leniencies.used == ["string-boolean"]


def test_strict_tenant_is_strict_in_bulk_too() -> None:
    alice = user("alice")

    results = run(
        MemoryStore(alice), patch(alice.id, "active", "False"), known=context(tenant=Tenant("acme", is_strict=True))
    )

    assert statuses(results) == ["400"]


def test_outcomes_are_recorded_after_all_operations() -> None:
    store = MemoryStore(user("ada"))
    seen: list[int] = []
    request = {
        "schemas": [BULK_REQUEST],
        "failOnErrors": 2,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "ADA"}},
            {"method": "POST", "path": "/Users", "bulkId": "2", "data": {"userName": "bob"}},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "DELETE", "path": "/Users/not-attempted"},
        ],
    }

    class Late(RecordedOutcomes):
        def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
            seen.append(len(store.users))
            super().record_failure(request, error, leniencies)

    outcomes = Late()
    BulkProcessor({"users": resources(store)}, context(), lambda _: None, outcomes).run(request)

    ended = [(request.operation, request.resource_id, error.status) for request, error, _ in outcomes.failures]
    assert sorted(ended, key=str) == [("create", None, 409), ("delete", "nobody", 404)]
    assert [request.operation for request, _ in outcomes.successes] == ["create"]
    assert seen == [2, 2]
