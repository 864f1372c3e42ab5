"""The recorder of failures: records, daily counts and log fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from scim.protocol.errors import InvalidValue, NotSupported, Rule, ScimError, UniquenessError, WrongScimUrl
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.service.audit.failure_recorder import FailureLogField, FailureRecorder
from scim.service.model.audit.failure import Failure, FailureCount, FailureKind, RequestSummary
from scim.service.model.timestamps import parse_rfc3339
from tests.endpoint import SURVEY
from tests.service.audit.test_explanations import FAILURE
from tests.service.fakes import NOW, Clock

WRONG_TYPE = InvalidValue("active is a boolean. Send true or false.", rule=Rule.TYPE, attribute="active")
ADA = {"userName": "ada", "active": "x"}


@dataclass
class FakeFailureStore:
    """Stores failures. ``error`` is True for a store that returns nothing, or the exception that it raises."""

    failures: list[Failure] = field(default_factory=list)
    error: bool | Exception = False
    counts: list[tuple[str, dict[str, int], str | None]] = field(default_factory=list)
    has_counts: bool | Exception = True
    requests: list[tuple[str, int]] = field(default_factory=list)
    has_requests: bool | Exception = True

    def record_failure(self, failure: Failure, number: int = 1) -> FailureCount | None:
        if isinstance(self.error, Exception):
            raise self.error
        self.failures += [failure] * number
        return None if self.error else FailureCount(failure, NOW, len(self.failures), {NOW[:10]: len(self.failures)})

    def record_failed_request(self, request_id: str, failures: Sequence[Failure]) -> bool:
        if isinstance(self.has_requests, Exception):
            raise self.has_requests
        self.requests.append((request_id, len(failures)))
        return self.has_requests

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: str | None) -> bool:
        if isinstance(self.has_counts, Exception):
            raise self.has_counts
        self.counts.append((at, {str(kind): number for kind, number in counts.items()}, provider))
        return self.has_counts


def build_recorder(
    store: FakeFailureStore, clock: Clock | None = None, faults: list[Exception] | None = None
) -> FailureRecorder:
    faults = [] if faults is None else faults
    deadline = (clock or Clock()).deadline
    return FailureRecorder(
        lambda: store, load_user_type(), deadline, lambda: parse_rfc3339(NOW), "request-1", faults.append
    )


def record(
    request: RequestSummary, error: ScimError = WRONG_TYPE, leniencies: LeniencyTracker | None = None
) -> Failure:
    store = FakeFailureStore()
    build_recorder(store).record_failure(request, error, leniencies or LeniencyTracker())
    (failure,) = store.failures
    return failure


def record_attribute(attribute: str) -> str | None:
    """Return the recorded attribute of a failure. The tenant's schema has names with spaces."""
    address = {"name": "Site", "type": "complex", "subAttributes": [{"name": "Post code", "type": "string"}]}
    document = {"id": SURVEY, "name": "Survey", "attributes": [{"name": "Business Unit", "type": "string"}, address]}
    store = FakeFailureStore()
    recorder = replace(build_recorder(store), resource_type=load_user_type().with_extensions([document]))
    recorder.record_failure(
        RequestSummary("create", None, ADA), InvalidValue("x", rule=Rule.TYPE, attribute=attribute), LeniencyTracker()
    )
    (failure,) = store.failures
    return failure.attribute


class TestRecords:
    def test_failure_has_request_and_error(self) -> None:
        failure = record(RequestSummary("create", None, ADA))

        assert (failure.identifier_kind, failure.identifier) == ("userName", "ada")
        assert (failure.operation, failure.attributes_sent) == ("create", ["userName", "active"])
        assert (failure.status, failure.scim_type, failure.rule, failure.attribute) == (
            *(400, "invalidValue"),
            *("type", "active"),
        )
        assert (failure.detail, failure.at, failure.request_id) == (WRONG_TYPE.detail, NOW, "request-1")

    def test_rule_of_rejected_leniency_is_strict_mode(self) -> None:
        leniencies = LeniencyTracker(is_strict=True)
        leniencies.tolerate(Leniency.STRING_BOOLEAN)

        assert (
            record(RequestSummary("create"), WRONG_TYPE, leniencies).rule,
            record(RequestSummary("create"), WRONG_TYPE, leniencies).rejected_leniency,
        ) == (
            "strict-mode",
            "string-boolean",
        )
        assert record(RequestSummary("create"), UniquenessError("x"), leniencies).rule == "uniqueness"
        assert record(RequestSummary("create"), InvalidValue("x", rule=Rule.REQUIRED), leniencies).rule == "required"

    @pytest.mark.parametrize(
        "attribute",
        ["Business Unit", f"{SURVEY}:Business Unit", "Site.Post code", "Site.floor", f"{SURVEY}:Site.Post code"],
    )
    def test_attribute_name_with_spaces_is_stored(self, attribute: str) -> None:
        assert record_attribute(attribute) == attribute

    @pytest.mark.parametrize("attribute", ["Ada Lovelace", "Business Units", "Site.Ada Lovelace", "ada@example.com"])
    def test_value_is_not_stored_as_attribute(self, attribute: str) -> None:
        assert record_attribute(attribute) is None

    def test_email_is_not_stored_as_attribute(self) -> None:
        assert record(RequestSummary("create"), InvalidValue("x", attribute="ada@example.com")).attribute is None


class TestPartlyIgnoredRequests:
    def test_partly_ignored_patch_is_a_no_op(self) -> None:
        store, leniencies = FakeFailureStore(), LeniencyTracker()
        leniencies.record_ignored("departmentName", "x")
        recorder = build_recorder(store)

        recorder.record_success(RequestSummary("patch", "1", {}), leniencies)

        (failure,) = store.failures
        assert (failure.is_no_op, failure.status, failure.ignored) == (True, 200, ["departmentName"])
        assert recorder.log_fields == {"no_ops": 1}

    @pytest.mark.parametrize("operation", ["create", "replace", "delete"])
    def test_only_patch_is_a_no_op(self, operation: str) -> None:
        store, leniencies = FakeFailureStore(), LeniencyTracker()
        leniencies.record_ignored("departmentName", "x")
        build_recorder(store).record_success(RequestSummary(operation), leniencies)
        assert store.failures == []

    def test_complete_patch_is_not_recorded(self) -> None:
        store = FakeFailureStore()
        build_recorder(store).record_success(RequestSummary("patch"), LeniencyTracker())
        assert store.failures == []


class TestRepeatingFailures:
    @pytest.mark.parametrize(
        ("days", "expected"),
        [
            ({"2026-01-31": 4}, False),
            ({"2026-01-31": 5}, True),
            ({"2026-01-31": 2, "2026-01-30": 3}, True),
            ({"2026-01-31": 1, "2026-01-29": 9}, False),
            ({}, False),
        ],
    )
    def test_five_failures_within_two_days_are_repeating(self, days: dict[str, int], expected: bool) -> None:
        assert FailureCount(FAILURE, FAILURE.at, 9, days).is_repeating is expected

    def test_log_line_counts_repeating_failures(self) -> None:
        store = FakeFailureStore()
        recorder = build_recorder(store)
        for _ in range(6):
            recorder.record_failure(RequestSummary("create", None, ADA), WRONG_TYPE, LeniencyTracker())
        assert recorder.log_fields == {"failures": 6, "repeating_failures": 2}

    def test_log_fields_are_documented(self) -> None:
        operations = (Path(__file__).parents[3] / "docs/operate/logs.md").read_text()
        assert all(f"`{outcome}`" in operations for outcome in FailureLogField)


class TestErrors:
    @pytest.mark.parametrize("error", [True, RuntimeError("x")])
    def test_log_line_counts_unrecorded_failures(self, error: bool | Exception) -> None:
        faults: list[Exception] = []
        recorder = build_recorder(FakeFailureStore(error=error), faults=faults)

        recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())

        assert recorder.log_fields == {"failures": 1, "unrecorded": 1}
        assert faults == ([] if error is True else [error])

    def test_nothing_is_recorded_without_time(self) -> None:
        store = FakeFailureStore()
        recorder = build_recorder(store, Clock(left_s=3.9))

        recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())

        assert (store.failures, recorder.log_fields) == ([], {"failures": 1, "unrecorded": 1})


class TestDailyCounts:
    def test_request_adds_counts_in_one_call(self) -> None:
        store, leniencies = FakeFailureStore(), LeniencyTracker()
        leniencies.record_ignored("mail", "x")
        recorder = build_recorder(store)
        recorder.record_failure(RequestSummary("create", None, ADA), WRONG_TYPE, LeniencyTracker())
        recorder.record_failure(
            RequestSummary("create", None, {"userName": "bob", "Operations": [{"op": "Add"}]}),
            WRONG_TYPE,
            LeniencyTracker(),
        )
        recorder.record_failure(RequestSummary("GET Users"), WRONG_TYPE, LeniencyTracker())
        recorder.record_failure(RequestSummary("POST Groups"), NotSupported("x"), LeniencyTracker())
        recorder.record_success(RequestSummary("patch"), leniencies)

        recorder.finish()

        counts = {"create": 2, "other_requests": 1, "unsupported": 1, "no_ops": 1}
        assert store.counts == [(NOW, counts, "entra")]

    def test_repeated_no_op_is_no_repeating_failure(self) -> None:
        store, leniencies = FakeFailureStore(), LeniencyTracker()
        leniencies.record_ignored("mail", "x")
        recorder = build_recorder(store)
        for _ in range(5):
            recorder.record_success(RequestSummary("patch"), leniencies)

        recorder.finish()

        assert store.counts == [(NOW, {"no_ops": 5}, None)]
        assert recorder.log_fields == {"no_ops": 5, "repeating_failures": 1}

    def test_repeated_unsupported_request_is_no_repeating_failure(self) -> None:
        """A group push always fails, and users are provisioned without it."""
        store = FakeFailureStore()
        recorder = build_recorder(store)
        for _ in range(5):
            recorder.record_failure(RequestSummary("POST Groups"), NotSupported("x"), LeniencyTracker())

        recorder.finish()

        assert store.counts == [(NOW, {"unsupported": 5}, None)]
        assert recorder.log_fields == {"failures": 5, "repeating_failures": 1}

    def test_wrong_scim_url_is_counted(self) -> None:
        store = FakeFailureStore()
        recorder = build_recorder(store)
        recorder.record_failure(RequestSummary("GET Users"), WrongScimUrl("x"), LeniencyTracker())

        recorder.finish()

        assert store.counts == [(NOW, {"other_requests": 1, "wrong_scim_urls": 1}, None)]

    def test_request_without_failures_counts_nothing(self) -> None:
        store = FakeFailureStore()
        build_recorder(store).finish()
        assert store.counts == []

    def test_unavailable_partition_is_called_once(self) -> None:
        """A request waits only once for a table that does not respond."""
        store = FakeFailureStore(error=True)
        recorder = build_recorder(store)
        recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())

        recorder.finish()

        assert (store.counts, recorder.log_fields) == ([], {"failures": 1, "unrecorded": 1})

    def test_slow_bulk_request_is_counted(self) -> None:
        """All failures are counted, including those that are not recorded for lack of time."""
        store, clock = FakeFailureStore(), Clock()
        recorder = build_recorder(store, clock)
        for _ in range(50):
            count = len(store.failures)
            recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())
            clock.left_s -= len(store.failures) - count  # a record takes a second

        recorder.finish()

        assert recorder.log_fields == {"failures": 50, "unrecorded": 27, "repeating_failures": 19}
        assert (len(store.failures), store.counts) == (23, [(NOW, {"create": 50, "repeating_failures": 19}, None)])

    @pytest.mark.parametrize("has_counts", [False, RuntimeError("x")])
    def test_log_line_has_uncounted_failures(self, has_counts: bool | Exception) -> None:
        faults: list[Exception] = []
        recorder = build_recorder(FakeFailureStore(has_counts=has_counts), faults=faults)
        recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())

        recorder.finish()

        assert recorder.log_fields == {"failures": 1, "uncounted": 1}
        assert faults == ([] if has_counts is False else [has_counts])

    def test_nothing_is_counted_without_time(self) -> None:
        store, clock = FakeFailureStore(), Clock()
        recorder = build_recorder(store, clock)
        recorder.record_failure(RequestSummary("create"), WRONG_TYPE, LeniencyTracker())
        clock.left_s = 3.9

        recorder.finish()

        assert (store.counts, recorder.log_fields) == ([], {"failures": 1, "uncounted": 1})


class TestRequestIds:
    def test_failures_are_recorded_under_id_of_request(self) -> None:
        store = FakeFailureStore()
        recorder = build_recorder(store)
        for _ in range(2):
            recorder.record_failure(RequestSummary("create", body=ADA), WRONG_TYPE, LeniencyTracker())
        recorder.finish()
        assert store.requests == [("request-1", 2)]

    def test_success_is_not_recorded(self) -> None:
        store = FakeFailureStore()
        recorder = build_recorder(store)
        recorder.record_success(RequestSummary("create", body=ADA), LeniencyTracker())
        recorder.finish()
        assert store.requests == []

    @pytest.mark.parametrize("result", [False, RuntimeError()])
    def test_failed_write_is_counted(self, result: bool | Exception) -> None:
        faults: list[Exception] = []
        recorder = build_recorder(FakeFailureStore(has_requests=result), faults=faults)
        recorder.record_failure(RequestSummary("create", body=ADA), WRONG_TYPE, LeniencyTracker())
        recorder.finish()
        assert recorder.log_fields == {FailureLogField.FAILURE: 1, FailureLogField.UNINDEXED: 1}
        assert len(faults) == isinstance(result, RuntimeError)
