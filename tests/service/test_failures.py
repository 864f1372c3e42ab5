"""What a failed request leaves behind."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from scim.protocol.dialect import Dialect, Leniency
from scim.protocol.errors import InvalidValue, ScimError, Uniqueness
from scim.protocol.schema import user_type
from scim.service.failures import Asked, Counted, Failure, Recording, sent_names
from tests.endpoint import ENTERPRISE, SURVEY
from tests.service.fakes import NOW, Clock
from tests.service.test_explanations import FAILURE

WRONG = InvalidValue("active is a boolean: send true or false.", rule="type", attribute="active")
ADA = {"userName": "ada", "active": "x"}


@dataclass
class Failures:
    """Counts failures; ``broken`` as one that can't, or that raises."""

    found: list[Failure] = field(default_factory=list)
    broken: bool | Exception = False

    def count(self, failure: Failure) -> Counted | None:
        if isinstance(self.broken, Exception):
            raise self.broken
        self.found.append(failure)
        return None if self.broken else Counted(failure, NOW, len(self.found), {NOW[:10]: len(self.found)})


def recording(store: Failures, clock: Clock | None = None, report: list[Exception] | None = None) -> Recording:
    faults = [] if report is None else report
    deadline = (clock or Clock()).deadline
    return Recording(lambda: store, user_type(), deadline, lambda: NOW, "request-1", faults.append)


def failed(asked: Asked, error: ScimError = WRONG, dialect: Dialect | None = None) -> Failure:
    store = Failures()
    recording(store).failed(asked, error, dialect or Dialect())
    (failure,) = store.found
    return failure


def test_failure_says_who_was_meant_what_was_sent_and_what_was_decided() -> None:
    failure = failed(Asked("create", None, ADA))

    assert (failure.kind, failure.identifier) == ("userName", "ada")
    assert (failure.operation, failure.sent) == ("create", ["userName", "active"])
    assert (failure.status, failure.scim_type, failure.rule, failure.attribute) == (
        *(400, "invalidValue"),
        *("type", "active"),
    )
    assert (failure.detail, failure.at, failure.request_id) == (WRONG.detail, NOW, "request-1")


def test_strict_mode_is_the_rule_where_it_refused_something() -> None:
    dialect = Dialect(strict=True)
    dialect.accepts(Leniency.STRING_BOOLEAN)

    assert (failed(Asked("create"), WRONG, dialect).rule, failed(Asked("create"), WRONG, dialect).refused) == (
        "strict-mode",
        "string-boolean",
    )
    assert failed(Asked("create"), Uniqueness("x"), dialect).rule == "uniqueness"
    assert failed(Asked("create"), InvalidValue("x", rule="required"), dialect).rule == "required"


@pytest.mark.parametrize(
    "attribute",
    ["Business Unit", f"{SURVEY}:Business Unit", "Site.Post code", "Site.floor", f"{SURVEY}:Site.Post code"],
)
def test_attribute_of_the_schema_is_kept_with_spaces(attribute: str) -> None:
    assert failed_with(attribute) == attribute


@pytest.mark.parametrize("attribute", ["Ada Lovelace", "Business Units", "Site.Ada Lovelace", "ada@example.com"])
def test_value_is_no_attribute(attribute: str) -> None:
    assert failed_with(attribute) is None


def failed_with(attribute: str) -> str | None:
    """The attribute of a failure at a tenant whose schema has names with spaces."""
    address = {"name": "Site", "type": "complex", "subAttributes": [{"name": "Post code", "type": "string"}]}
    document = {"id": SURVEY, "name": "Survey", "attributes": [{"name": "Business Unit", "type": "string"}, address]}
    store = Failures()
    recorded = replace(recording(store), resource_type=user_type().extended([document]))
    recorded.failed(Asked("create", None, ADA), InvalidValue("x", rule="type", attribute=attribute), Dialect())
    (failure,) = store.found
    return failure.attribute


def test_attribute_that_looks_like_no_name_is_not_kept() -> None:
    assert failed(Asked("create"), InvalidValue("x", attribute="ada@example.com")).attribute is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"schemas": [], "USERNAME": "x", "name": {}, "mail": 1}, ["userName", "name", "mail"]),
        ({ENTERPRISE: {"department": "x"}, f"{ENTERPRISE}:department": "x"}, [ENTERPRISE, f"{ENTERPRISE}:department"]),
        ({"ada@example.com": 1, "": 2, "a b": 3}, []),
        ({"Operations": [{"path": 'emails[value eq "ada@x"].value'}, {"path": "title"}]}, ["emails.value", "title"]),
        ({"Operations": [{"value": {"title": 1}}, {"path": "ada@x"}, 3, {}]}, ["title"]),
        (["userName"], []),
        (None, []),
    ],
)
def test_only_names_of_what_was_sent_are_kept(body: Any, expected: list[str]) -> None:
    assert sent_names(body, user_type()) == expected


def test_number_of_names_is_bounded() -> None:
    assert len(sent_names({f"a{n}": 1 for n in range(1_000)}, user_type())) == 40


# Silent no-ops


def test_patch_of_which_something_came_to_nothing_is_a_silent_no_op() -> None:
    store, dialect = Failures(), Dialect()
    dialect.leave_out("departmentName", "x")
    records = recording(store)

    records.succeeded(Asked("patch", "1", {}), dialect)

    (failure,) = store.found
    assert (failure.is_no_op, failure.status, failure.left_out) == (True, 200, ["departmentName"])
    assert records.line == {"no_ops": 1}


@pytest.mark.parametrize("operation", ["create", "replace", "delete"])
def test_other_operations_than_patch_are_no_silent_no_ops(operation: str) -> None:
    store, dialect = Failures(), Dialect()
    dialect.leave_out("departmentName", "x")
    recording(store).succeeded(Asked(operation), dialect)
    assert store.found == []


def test_patch_that_did_all_it_was_asked_is_no_silent_no_op() -> None:
    store = Failures()
    recording(store).succeeded(Asked("patch"), Dialect())
    assert store.found == []


# Loops


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
def test_the_same_again_and_again_within_two_days_is_a_loop(days: dict[str, int], expected: bool) -> None:
    assert Counted(FAILURE, FAILURE.at, 9, days).is_loop is expected


def test_loop_is_told_apart_in_the_log_line() -> None:
    store = Failures()
    records = recording(store)
    for _ in range(6):
        records.failed(Asked("create", None, ADA), WRONG, Dialect())
    assert records.line == {"failures": 6, "loops": 2}


# Nothing here changes the answer


@pytest.mark.parametrize("broken", [True, RuntimeError("x")])
def test_failure_that_can_not_be_recorded_is_counted_in_the_log_line(broken: bool | Exception) -> None:
    faults: list[Exception] = []
    records = recording(Failures(broken=broken), report=faults)

    records.failed(Asked("create"), WRONG, Dialect())

    assert records.line == {"failures": 1, "unrecorded": 1}
    assert faults == ([] if broken is True else [broken])


def test_nothing_is_recorded_where_the_answer_could_come_too_late() -> None:
    store = Failures()
    records = recording(store, Clock(left_s=3.9))

    records.failed(Asked("create"), WRONG, Dialect())

    assert (store.found, records.line) == ([], {"failures": 1, "unrecorded": 1})
