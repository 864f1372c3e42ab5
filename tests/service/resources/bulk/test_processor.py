"""Bulk requests (RFC 7644, section 3.7) on a store in memory."""

from collections.abc import Callable
from threading import Lock
from time import sleep
from typing import Any

import pytest

from scim.protocol.errors import InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import BULK_RESPONSE
from scim.service.deadline import Deadline
from scim.service.model.audit.failure import RequestSummary
from scim.service.model.change_record import ChangeRecord
from scim.service.model.stored_resource import StoredResource, TooManyItems
from scim.service.model.tenant import Tenant
from scim.service.resources.bulk.processor import BulkProcessor
from scim.service.resources.context import ServiceContext
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import (
    BASE_URL,
    Clock,
    MemoryStore,
    RecordedOutcomes,
    build_context,
    build_service,
    build_user,
    new_id,
)

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = dict[str, Any]


def run(
    store: MemoryStore,
    *operations: object,
    service_context: ServiceContext | None = None,
    report_fault: Callable[[Exception], None] = lambda _: None,
    workers: int = 1,
    **members: Any,
) -> list[dict[str, Any]]:
    """Return the results of a bulk request."""
    service_context = service_context or build_context()
    request = {"schemas": [BULK_REQUEST], "Operations": list(operations)} | members
    response = (
        BulkProcessor(
            {"users": build_service(store, service_context)}, service_context, report_fault, RecordedOutcomes(), workers
        )
        .run(request)
        .body
    )
    assert response["schemas"] == [BULK_RESPONSE]
    results: list[dict[str, Any]] = response["Operations"]
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


def list_statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def build_location(user_id: str) -> str:
    return f"{BASE_URL}/Users/{user_id}"


class TestResults:
    def test_results_are_in_order_of_operations(self) -> None:
        alice, bob, carol = build_user("alice"), build_user("bob"), build_user("carol")
        store = MemoryStore(alice, bob, carol)

        results = run(
            store, post("dave"), put(alice.id, "alice", title="Chef"), patch(bob.id, "title", "Cook"), delete(carol.id)
        )

        dave = next(user for user in store.users.values() if user.resource["userName"] == "dave")
        assert results == [
            {
                "method": "POST",
                "bulkId": "dave",
                "location": build_location(dave.id),
                "version": 'W/"1"',
                "status": "201",
            },
            {"method": "PUT", "location": build_location(alice.id), "version": 'W/"2"', "status": "200"},
            {"method": "PATCH", "location": build_location(bob.id), "version": 'W/"2"', "status": "200"},
            {"method": "DELETE", "location": build_location(carol.id), "status": "204"},
        ]

    def test_failed_operation_does_not_stop_others(self) -> None:
        store = MemoryStore(build_user("alice"))

        first, second, third = run(store, post("bob"), post("again", "ALICE"), post("carol"))

        assert list_statuses([first, second, third]) == ["201", "409", "201"]
        assert second.keys() == {"method", "bulkId", "status", "response"}
        assert (second["response"]["status"], second["response"]["scimType"]) == ("409", "uniqueness")
        assert sorted(user.resource["userName"] for user in store.users.values()) == ["alice", "bob", "carol"]

    def test_failed_operation_has_a_location(self) -> None:
        missing = new_id()

        results = run(MemoryStore(), put(missing, "alice"), patch(missing, "title", "Chef"), delete(missing))

        assert list_statuses(results) == ["404"] * 3
        assert [result["location"] for result in results] == [build_location(missing)] * 3

    def test_path_in_any_case_with_trailing_slash(self) -> None:
        results = run(
            MemoryStore(), post("alice") | {"path": "users/"}, post("bob") | {"path": "/USERS", "method": "post"}
        )

        assert list_statuses(results) == ["201", "201"]

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
    def test_invalid_operation_does_not_stop_others(self, operation: Any, status: str, scim_type: str | None) -> None:
        store = MemoryStore()

        results = run(store, operation, post("bob"))

        assert list_statuses(results) == [status, "201"]
        assert results[0]["response"].get("scimType") == scim_type
        assert [user.resource["userName"] for user in store.users.values()] == ["bob"]


def build_cycle(*names: str) -> list[Operation]:
    """Return users in a cycle. Each one's manager is the next one, and the last one's is the first."""
    following = [*names[1:], names[0]]
    return [
        post(name, **{ENTERPRISE: {"manager": {"value": f"bulkId:{boss}"}}})
        for name, boss in zip(names, following, strict=True)
    ]


class TestReferences:
    def test_reference_is_replaced_by_the_created_id(self) -> None:
        store = MemoryStore()

        run(store, post("boss"), post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}))

        boss, worker = store.users.values()
        assert worker.resource[ENTERPRISE]["manager"]["value"] == boss.id

    def test_reference_in_path_is_replaced(self) -> None:
        store = MemoryStore()

        results = run(store, post("alice"), patch("bulkId:alice", "title", "Chef"), delete("bulkId:alice"))

        assert list_statuses(results) == ["201", "200", "204"]
        assert len({result["location"] for result in results}) == 1
        assert store.users == {}

    def test_reference_to_a_later_operation(self) -> None:
        store = MemoryStore()

        results = run(store, post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}), post("boss"))

        boss, worker = store.users.values()
        assert list_statuses(results) == ["201", "201"]
        assert worker.resource[ENTERPRISE]["manager"]["value"] == boss.id

    @pytest.mark.parametrize("names", ["a", "ab", "abc"])
    @pytest.mark.parametrize("workers", [1, 4])
    def test_references_in_a_cycle(self, names: str, workers: int) -> None:
        store = MemoryStore()

        results = run(store, *build_cycle(*names), workers=workers)

        users = {user.resource["userName"]: user for user in store.users.values()}
        managers = [users[name].resource[ENTERPRISE]["manager"]["value"] for name in names]
        assert list_statuses(results) == ["201"] * len(names)
        assert managers == [users[name].id for name in [*names[1:], names[0]]]

    @pytest.mark.parametrize("failing", [0, 1, 2])
    @pytest.mark.parametrize("fail_on_errors", [None, 1])
    def test_failing_cycle_creates_nothing(self, failing: int, fail_on_errors: int | None) -> None:
        store = MemoryStore(build_user("taken"))
        operations = build_cycle("a", "b", "c")
        operations[failing]["data"]["userName"] = "taken"
        members: Any = {} if fail_on_errors is None else {"failOnErrors": fail_on_errors}

        results = run(store, *operations, patch("bulkId:a", "title", "Chef"), **members)

        assert set(list_statuses(results)) == {"409"}
        assert [user.resource["userName"] for user in store.users.values()] == ["taken"]

    def test_failing_cycle_has_one_error_for_each_operation(self) -> None:
        """Only the operation with the wrong value has its error. No write is attempted."""
        store = MemoryStore()
        operations = build_cycle("a", "b", "c")
        operations[1]["data"]["userType"] = 7
        outcomes = RecordedOutcomes()
        context = build_context()
        processor = BulkProcessor({"users": build_service(store, context)}, context, lambda _: None, outcomes)

        results = processor.run({"schemas": [BULK_REQUEST], "Operations": operations}).body["Operations"]

        assert list_statuses(results) == ["409", "400", "409"]
        assert (store.users, store.changes, len(outcomes.failures)) == ({}, [], 3)

    def test_cycle_that_is_too_large_is_a_conflict(self) -> None:
        class SmallStore(MemoryStore):
            def create_all(self, *_: Any) -> None:
                raise TooManyItems

        results = run(SmallStore(), *build_cycle("a", "b"), post("c"))

        assert list_statuses(results) == ["409", "409", "201"]
        assert "add it with a PATCH operation" in results[0]["response"]["detail"]

    def test_fault_of_cycle_is_reported_once(self) -> None:
        class FailingStore(MemoryStore):
            def create_all(self, *_: Any) -> None:
                raise RuntimeError

        faults: list[Exception] = []
        results = run(FailingStore(), *build_cycle("a", "b"), report_fault=faults.append)

        assert (list_statuses(results), len(faults)) == (["500", "500"], 1)

    def test_reference_into_a_failing_cycle_fails(self) -> None:
        store = MemoryStore(build_user("taken"))
        boss, deputy = build_cycle("boss", "deputy")
        deputy["data"]["userName"] = "taken"

        results = run(
            store, boss, deputy, post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}), post("x")
        )

        assert list_statuses(results) == ["409", "409", "409", "201"]
        assert sorted(user.resource["userName"] for user in store.users.values()) == ["taken", "x"]

    @pytest.mark.parametrize("operations", [[], [post("bob", userType=7)], [post("bob", "alice")]])
    def test_reference_to_failed_operation_is_a_conflict(self, operations: list[Operation]) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)

        *_, result = run(store, *operations, patch(alice.id, "manager", "bulkId:bob"))

        assert result["status"] == "409"
        assert store.users == {alice.id: alice}

    def test_bulk_id_must_be_unique(self) -> None:
        store = MemoryStore(build_user("alice"))

        results = run(store, post("a", "alice"), post("a", "bob"), post("b", "carol"), post("b", "dave"))

        assert list_statuses(results) == ["409", "400", "201", "400"]
        assert [user.resource["userName"] for user in store.users.values()] == ["alice", "carol"]


class BusyStore(MemoryStore):
    """Counts the maximum number of concurrent writes."""

    def __init__(self, *users: StoredResource) -> None:
        super().__init__(*users)
        self.lock = Lock()
        self.running = self.max_running = 0

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        with self.lock:
            self.running += 1
            self.max_running = max(self.max_running, self.running)
        sleep(0.005)
        with self.lock:
            super().write(before, after, change)
            self.running -= 1


class TestVersionsAndOrder:
    def test_version_is_a_precondition(self) -> None:
        alice, bob = build_user("alice", version=3), build_user("bob", version=3)
        store = MemoryStore(alice, bob)

        results = run(
            store,
            put(alice.id, "alice", title="Chef") | {"version": 'W/"2"'},
            patch(alice.id, "title", "Chef") | {"version": 'W/"2"'},
            delete(alice.id) | {"version": 'W/"2"'},
            delete(bob.id) | {"version": 'W/"3"'},
        )

        assert list_statuses(results) == ["412", "412", "412", "204"]
        assert store.users == {alice.id: alice}

    def test_operations_on_one_user_keep_their_order(self) -> None:
        alice = build_user("alice")
        store = MemoryStore(alice)

        results = run(store, *(patch(alice.id, "title", f"Title {number}") for number in range(9)))

        assert [result["version"] for result in results] == [f'W/"{number}"' for number in range(2, 11)]
        assert store.users[alice.id].resource["title"] == "Title 8"

    def test_operations_run_in_parallel(self) -> None:
        store = BusyStore()

        results = run(store, *(post(f"user-{number}") for number in range(40)), workers=4)

        assert list_statuses(results) == ["201"] * 40
        assert [result["bulkId"] for result in results] == [f"user-{number}" for number in range(40)]
        assert store.max_running == 4

    def test_operations_on_one_user_keep_order_in_parallel(self) -> None:
        alice = build_user("alice")
        store = BusyStore(alice)
        titles = [patch(alice.id, "title", f"Title {number}") for number in range(5)]
        others = [post(f"user-{number}") for number in range(5)]

        results = run(store, *(operation for pair in zip(titles, others, strict=True) for operation in pair), workers=4)

        assert [result["version"] for result in results[::2]] == [f'W/"{number}"' for number in range(2, 7)]
        assert store.users[alice.id].resource["title"] == "Title 4"

    def test_fail_on_errors_runs_operations_one_by_one(self) -> None:
        store = BusyStore()

        run(store, *(post(f"user-{number}") for number in range(5)), workers=4, failOnErrors=1)

        assert store.max_running == 1


class TestFailOnErrors:
    @pytest.mark.parametrize(
        ("limit", "expected"),
        [(1, ["201", "409"]), (2, ["201", "409", "201", "409"]), (3, ["201", "409", "201", "409", "201"])],
    )
    def test_response_ends_at_maximum_of_errors(self, limit: int, expected: list[str]) -> None:
        store = MemoryStore(build_user("alice"))
        operations = [post("b"), post("x", "alice"), post("c"), post("y", "alice"), post("d")]

        results = run(store, *operations, failOnErrors=limit)

        assert list_statuses(results) == expected
        assert len(store.users) == 1 + expected.count("201")


class SlowStore(MemoryStore):
    """Takes three seconds for a write."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        super().write(before, after, change)
        self.clock.left_s -= 3.0


def run_slowly(
    *operations: Operation, left_s: float, **members: Any
) -> tuple[list[dict[str, Any]], RecordedOutcomes, int]:
    """Return the results of a request whose writes take 3 s each, its outcomes, and how many were not attempted."""
    clock, outcomes = Clock(left_s=left_s), RecordedOutcomes()
    service_context = build_context(deadline=clock.deadline)
    bulk = BulkProcessor(
        {"users": build_service(SlowStore(clock), service_context)}, service_context, lambda _: None, outcomes, 1
    )
    result = bulk.run({"schemas": [BULK_REQUEST], "Operations": list(operations)} | members)
    return result.body["Operations"], outcomes, result.not_attempted_count


class TestLimits:
    @pytest.mark.slow
    def test_thousand_operations_are_executed(self) -> None:
        store = MemoryStore()

        results = run(store, *(post(f"user-{number}") for number in range(1_000)))

        assert list_statuses(results) == ["201"] * 1_000
        assert len(store.users) == 1_000

    def test_too_many_operations_are_rejected(self) -> None:
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
    def test_malformed_bulk_request_is_rejected(self, request_: Any, error: type[Exception]) -> None:
        store = MemoryStore()
        service_context = build_context()

        with pytest.raises(error):
            BulkProcessor(
                {"users": build_service(store, service_context)}, service_context, lambda _: None, RecordedOutcomes()
            ).run(request_)

        assert store.users == {}

    def test_operations_after_the_deadline_have_status_503(self) -> None:
        clock = Clock(left_s=12.0)
        store = SlowStore(clock)

        results = run(
            store,
            *(post(f"user-{number}") for number in range(6)),
            service_context=build_context(deadline=clock.deadline),
        )

        assert list_statuses(results) == ["201", "201", "201", "503", "503", "503"]
        assert [result["bulkId"] for result in results] == [f"user-{number}" for number in range(6)]
        assert len(store.users) == 3

    def test_operations_not_attempted_are_no_failures(self) -> None:
        results, outcomes, not_attempted = run_slowly(*(post(f"user-{number}") for number in range(6)), left_s=12.0)

        assert list_statuses(results) == ["201", "201", "201", "503", "503", "503"]
        assert (outcomes.failures, len(outcomes.successes), not_attempted) == ([], 3, 3)

    @pytest.mark.parametrize("workers", [1, 4])
    def test_every_operation_has_a_status_if_patches_take_all_time(self, workers: int) -> None:
        """Each look at the clock takes 10 ms, so that the time ends inside a PATCH. What has failed is not written."""
        users = [build_user(f"user-{number}") for number in range(20)]
        store, clock = MemoryStore(*users), Clock(left_s=29.0)
        lock = Lock()

        def take_time() -> float:
            with lock:
                clock.left_s -= 0.01
                return clock.left_s

        operations = [{"op": "replace", "path": "title", "value": f"{number}"} for number in range(250)]
        data = {"schemas": [PATCH_OP], "Operations": operations}
        results = run(
            store,
            *({"method": "PATCH", "path": f"/Users/{user.id}", "data": data} for user in users),
            service_context=build_context(deadline=Deadline(take_time, clock.sleep)),
            workers=workers,
        )

        statuses = list_statuses(results)
        assert (len(statuses), set(statuses)) == (20, {"200", "503"})
        assert statuses.count("200") == len(store.changes) >= 6
        assert [store.users[user.id].version for user in users] == [2 if status == "200" else 1 for status in statuses]
        assert clock.left_s >= 1.0
        details = [result["response"]["detail"] for result in results if result["status"] == "503"]
        assert {"again" in detail for detail in details} == {True}
        assert any("could not finish in time" in detail for detail in details)

    def test_cycle_after_the_deadline_is_not_attempted(self) -> None:
        results, outcomes, not_attempted = run_slowly(post("x"), *build_cycle("a", "b"), left_s=7.0)

        assert list_statuses(results) == ["201", "503", "503"]
        assert (outcomes.failures, not_attempted) == ([], 2)

    @pytest.mark.parametrize(("left_s", "status"), [(5.015, "201"), (5.005, "503")])
    def test_time_that_ends_at_the_start_of_a_cycle(self, left_s: float, status: str) -> None:
        """Each look at the clock takes 10 ms. A cycle is attempted as a whole, and every operation has a status."""
        clock = Clock(left_s=left_s)

        def take_time() -> float:
            clock.left_s -= 0.01
            return clock.left_s

        service_context = build_context(deadline=Deadline(take_time, clock.sleep))
        results = run(MemoryStore(), *build_cycle("a", "b"), service_context=service_context)

        assert list_statuses(results) == [status, status]

    def test_operation_that_depends_on_a_fault_is_503(self) -> None:
        """The operation that creates the manager fails with a fault, so the client must send both operations again."""

        class FailingStore(MemoryStore):
            def write(self, *_: Any) -> None:
                raise RuntimeError

        results = run(
            FailingStore(), post("boss"), post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})
        )

        assert list_statuses(results) == ["500", "503"]


class StoreWithFault(MemoryStore):
    """Raises an error with a secret text when the user ``fault`` is written."""

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        if after is not None and after.resource["userName"] == "fault":
            raise RuntimeError("secret inside")
        super().write(before, after, change)


class TestFaults:
    def test_fault_is_reported_not_sent(self) -> None:
        faults: list[Exception] = []

        results = run(StoreWithFault(), post("alice"), post("fault"), post("bob"), report_fault=faults.append)

        assert list_statuses(results) == ["201", "500", "201"]
        assert "request-1" in results[1]["response"]["detail"]
        assert "secret inside" not in str(results)
        assert [str(fault) for fault in faults] == ["secret inside"]


class TestLeniencies:
    def test_leniencies_are_recorded_by_operation_and_request(self) -> None:
        alice, bob = build_user("alice"), build_user("bob")
        store, service_context = MemoryStore(alice, bob), build_context()

        run(store, patch(alice.id, "active", "False"), patch(bob.id, "title", "Chef"), service_context=service_context)

        assert [change.leniencies for change in store.changes] == [["string-boolean"], []]
        assert service_context.leniencies.used == ["string-boolean"]

    def test_strict_mode_rejects_leniency(self) -> None:
        alice = build_user("alice")

        results = run(
            MemoryStore(alice),
            patch(alice.id, "active", "False"),
            service_context=build_context(tenant=Tenant("acme", is_strict=True)),
        )

        assert list_statuses(results) == ["400"]

    def test_outcomes_are_recorded_after_all_operations(self) -> None:
        store = MemoryStore(build_user("ada"))
        user_counts: list[int] = []
        request = {
            "schemas": [BULK_REQUEST],
            "failOnErrors": 2,
            "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "ADA"}},
                {"method": "POST", "path": "/Users", "bulkId": "2", "data": {"userName": "bob"}},
                {"method": "DELETE", "path": "/Users/missing"},
                {"method": "DELETE", "path": "/Users/not-attempted"},
            ],
        }

        class OutcomesAfterWrites(RecordedOutcomes):
            def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
                user_counts.append(len(store.users))
                super().record_failure(request, error, leniencies)

        outcomes = OutcomesAfterWrites()
        BulkProcessor({"users": build_service(store)}, build_context(), lambda _: None, outcomes).run(request)

        failures = [(request.operation, request.resource_id, error.status) for request, error, _ in outcomes.failures]
        assert sorted(failures, key=str) == [("create", None, 409), ("delete", "missing", 404)]
        assert [request.operation for request, _ in outcomes.successes] == ["create"]
        assert user_counts == [2, 2]
