"""What a failed request leaves behind."""

from collections.abc import Mapping
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

WRONG = InvalidValue("active is a boolean. Send true or false.", rule=Rule.TYPE, attribute="active")
ADA = {"userName": "ada", "active": "x"}


@dataclass
class Failures:
    """Counts failures; ``broken`` as one that can't, or that raises."""

    found: list[Failure] = field(default_factory=list)
    broken: bool | Exception = False
    counts: list[tuple[str, dict[str, int], str | None]] = field(default_factory=list)
    has_counts: bool | Exception = True

    def record_failure(self, failure: Failure) -> FailureCount | None:
        if isinstance(self.broken, Exception):
            raise self.broken
        self.found.append(failure)
        return None if self.broken else FailureCount(failure, NOW, len(self.found), {NOW[:10]: len(self.found)})

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: str | None) -> bool:
        if isinstance(self.has_counts, Exception):
            raise self.has_counts
        self.counts.append((at, {str(kind): number for kind, number in counts.items()}, provider))
        return self.has_counts


def recording(
    store: Failures, clock: Clock | None = None, report_fault: list[Exception] | None = None
) -> FailureRecorder:
    faults = [] if report_fault is None else report_fault
    deadline = (clock or Clock()).deadline
    return FailureRecorder(
        lambda: store, load_user_type(), deadline, lambda: parse_rfc3339(NOW), "request-1", faults.append
    )


def failed(asked: RequestSummary, error: ScimError = WRONG, leniencies: LeniencyTracker | None = None) -> Failure:
    store = Failures()
    recording(store).record_failure(asked, error, leniencies or LeniencyTracker())
    (failure,) = store.found
    return failure


def test_failure_has_identifier_attributes_and_error() -> None:
    failure = failed(RequestSummary("create", None, ADA))

    assert (failure.identifier_kind, failure.identifier) == ("userName", "ada")
    assert (failure.operation, failure.attributes_sent) == ("create", ["userName", "active"])
    assert (failure.status, failure.scim_type, failure.rule, failure.attribute) == (
        *(400, "invalidValue"),
        *("type", "active"),
    )
    assert (failure.detail, failure.at, failure.request_id) == (WRONG.detail, NOW, "request-1")


def test_rule_is_strict_mode_if_it_rejected_a_leniency() -> None:
    leniencies = LeniencyTracker(is_strict=True)
    leniencies.tolerate(Leniency.STRING_BOOLEAN)

    assert (
        failed(RequestSummary("create"), WRONG, leniencies).rule,
        failed(RequestSummary("create"), WRONG, leniencies).rejected_leniency,
    ) == (
        "strict-mode",
        "string-boolean",
    )
    assert failed(RequestSummary("create"), UniquenessError("x"), leniencies).rule == "uniqueness"
    assert failed(RequestSummary("create"), InvalidValue("x", rule=Rule.REQUIRED), leniencies).rule == "required"


@pytest.mark.parametrize(
    "attribute",
    ["Business Unit", f"{SURVEY}:Business Unit", "Site.Post code", "Site.floor", f"{SURVEY}:Site.Post code"],
)
def test_attribute_name_with_spaces_is_stored(attribute: str) -> None:
    assert failed_with(attribute) == attribute


@pytest.mark.parametrize("attribute", ["Ada Lovelace", "Business Units", "Site.Ada Lovelace", "ada@example.com"])
def test_value_is_not_stored_as_attribute(attribute: str) -> None:
    assert failed_with(attribute) is None


def failed_with(attribute: str) -> str | None:
    """The attribute of a failure at a tenant whose schema has names with spaces."""
    address = {"name": "Site", "type": "complex", "subAttributes": [{"name": "Post code", "type": "string"}]}
    document = {"id": SURVEY, "name": "Survey", "attributes": [{"name": "Business Unit", "type": "string"}, address]}
    store = Failures()
    recorded = replace(recording(store), resource_type=load_user_type().with_extensions([document]))
    recorded.record_failure(
        RequestSummary("create", None, ADA), InvalidValue("x", rule=Rule.TYPE, attribute=attribute), LeniencyTracker()
    )
    (failure,) = store.found
    return failure.attribute


def test_email_is_not_stored_as_attribute() -> None:
    assert failed(RequestSummary("create"), InvalidValue("x", attribute="ada@example.com")).attribute is None


# Silent no-ops


def test_partly_ignored_patch_is_a_no_op() -> None:
    store, leniencies = Failures(), LeniencyTracker()
    leniencies.record_ignored("departmentName", "x")
    records = recording(store)

    records.record_success(RequestSummary("patch", "1", {}), leniencies)

    (failure,) = store.found
    assert (failure.is_no_op, failure.status, failure.ignored) == (True, 200, ["departmentName"])
    assert records.log_fields == {"no_ops": 1}


@pytest.mark.parametrize("operation", ["create", "replace", "delete"])
def test_only_patch_is_a_no_op(operation: str) -> None:
    store, leniencies = Failures(), LeniencyTracker()
    leniencies.record_ignored("departmentName", "x")
    recording(store).record_success(RequestSummary(operation), leniencies)
    assert store.found == []


def test_complete_patch_is_not_recorded() -> None:
    store = Failures()
    recording(store).record_success(RequestSummary("patch"), LeniencyTracker())
    assert store.found == []


# Repeating failures


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
def test_five_failures_within_two_days_are_repeating(days: dict[str, int], expected: bool) -> None:
    assert FailureCount(FAILURE, FAILURE.at, 9, days).is_repeating is expected


def test_log_line_counts_repeating_failures() -> None:
    store = Failures()
    records = recording(store)
    for _ in range(6):
        records.record_failure(RequestSummary("create", None, ADA), WRONG, LeniencyTracker())
    assert records.log_fields == {"failures": 6, "repeating_failures": 2}


def test_every_outcome_is_documented() -> None:
    operations = (Path(__file__).parents[3] / "docs/operate/logs.md").read_text()
    assert all(f"`{outcome}`" in operations for outcome in FailureLogField)


# Nothing here changes the answer


@pytest.mark.parametrize("broken", [True, RuntimeError("x")])
def test_log_line_counts_unrecorded_failures(broken: bool | Exception) -> None:
    faults: list[Exception] = []
    records = recording(Failures(broken=broken), report_fault=faults)

    records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())

    assert records.log_fields == {"failures": 1, "unrecorded": 1}
    assert faults == ([] if broken is True else [broken])


def test_nothing_is_recorded_without_time() -> None:
    store = Failures()
    records = recording(store, Clock(left_s=3.9))

    records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())

    assert (store.found, records.log_fields) == ([], {"failures": 1, "unrecorded": 1})


# The counts of the day


def test_failures_are_added_to_the_day_in_one_call() -> None:
    store, leniencies = Failures(), LeniencyTracker()
    leniencies.record_ignored("mail", "x")
    records = recording(store)
    records.record_failure(RequestSummary("create", None, ADA), WRONG, LeniencyTracker())
    records.record_failure(
        RequestSummary("create", None, {"userName": "bob", "Operations": [{"op": "Add"}]}), WRONG, LeniencyTracker()
    )
    records.record_failure(RequestSummary("GET Users"), WRONG, LeniencyTracker())
    records.record_failure(RequestSummary("POST Groups"), NotSupported("x"), LeniencyTracker())
    records.record_success(RequestSummary("patch"), leniencies)

    records.finish()

    counts = {"create": 2, "other_requests": 1, "unsupported": 1, "no_ops": 1}
    assert store.counts == [(NOW, counts, "entra")]


def test_repeated_no_op_is_no_repeating_failure() -> None:
    store, leniencies = Failures(), LeniencyTracker()
    leniencies.record_ignored("mail", "x")
    records = recording(store)
    for _ in range(5):
        records.record_success(RequestSummary("patch"), leniencies)

    records.finish()

    assert store.counts == [(NOW, {"no_ops": 5}, None)]
    assert records.log_fields == {"no_ops": 5, "repeating_failures": 1}


def test_repeated_unsupported_request_is_no_repeating_failure() -> None:
    """A group push never succeeds, and users are provisioned without it."""
    store = Failures()
    records = recording(store)
    for _ in range(5):
        records.record_failure(RequestSummary("POST Groups"), NotSupported("x"), LeniencyTracker())

    records.finish()

    assert store.counts == [(NOW, {"unsupported": 5}, None)]
    assert records.log_fields == {"failures": 5, "repeating_failures": 1}


def test_failures_by_a_wrong_scim_url_are_counted() -> None:
    store = Failures()
    records = recording(store)
    records.record_failure(RequestSummary("GET Users"), WrongScimUrl("x"), LeniencyTracker())

    records.finish()

    assert store.counts == [(NOW, {"other_requests": 1, "wrong_scim_urls": 1}, None)]


def test_request_without_failures_counts_nothing() -> None:
    store = Failures()
    recording(store).finish()
    assert store.counts == []


def test_unavailable_partition_is_called_once() -> None:
    """One wait is what a table that does not answer costs a request."""
    store = Failures(broken=True)
    records = recording(store)
    records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())

    records.finish()

    assert (store.counts, records.log_fields) == ([], {"failures": 1, "unrecorded": 1})


def test_slow_bulk_request_is_counted() -> None:
    """All of its failures: those that there was no time to record are failures too."""
    store, clock = Failures(), Clock()
    records = recording(store, clock)
    for _ in range(50):
        recorded = len(store.found)
        records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())
        clock.left_s -= len(store.found) - recorded  # a record takes a second

    records.finish()

    assert records.log_fields == {"failures": 50, "unrecorded": 27, "repeating_failures": 19}
    assert (len(store.found), store.counts) == (23, [(NOW, {"create": 50, "repeating_failures": 19}, None)])


@pytest.mark.parametrize("has_counts", [False, RuntimeError("x")])
def test_log_line_has_uncounted_failures(has_counts: bool | Exception) -> None:
    faults: list[Exception] = []
    records = recording(Failures(has_counts=has_counts), report_fault=faults)
    records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())

    records.finish()

    assert records.log_fields == {"failures": 1, "uncounted": 1}
    assert faults == ([] if has_counts is False else [has_counts])


def test_nothing_is_counted_without_time() -> None:
    store, clock = Failures(), Clock()
    records = recording(store, clock)
    records.record_failure(RequestSummary("create"), WRONG, LeniencyTracker())
    clock.left_s = 3.9

    records.finish()

    assert (store.counts, records.log_fields) == ([], {"failures": 1, "uncounted": 1})
