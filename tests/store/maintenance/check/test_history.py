"""Test which change records are missing, and which can have expired."""

from typing import Any

import pytest

from scim.service.model.timestamps import format_rfc3339
from scim.store.maintenance.check.history import History, RecordPosition

_DAY_S = 86_400
_NOW = 1_000 * _DAY_S
_RETENTION_S = 400 * _DAY_S
_ID = "2819c223-7f76-453a-919d-413861904646"


def build_record(
    version: int, age_days: float, *, link: int = 0, retention_s: float | None = _RETENTION_S, operation: str = "patch"
) -> dict[str, Any]:
    at = _NOW - age_days * _DAY_S
    suffix = f"#{link:010d}" if link else ""
    ttl = {} if retention_s is None else {"ttl": {"N": str(int(at + retention_s))}}
    return {
        "sk": {"S": f"C#{_ID}#{version:010d}{suffix}"},
        "at": {"S": format_rfc3339(at)},
        "operation": {"S": "link" if link else operation},
        "userName": {"S": "ada"},
        **ttl,
    }


def read(*records: dict[str, Any]) -> History:
    history = History(_ID)
    for record in records:
        history.add(record, _NOW)
    return history


def test_complete_history_has_no_gaps() -> None:
    history = read(
        build_record(1, 3),
        build_record(2, 2),
        build_record(2, 2, link=1),
        build_record(2, 1, link=2),
        build_record(3, 1),
    )
    assert history.list_gaps(format_rfc3339(_NOW - 3 * _DAY_S), _NOW) == []
    assert not history.lacks_last(3, 0, format_rfc3339(_NOW - _DAY_S), _RETENTION_S, _NOW)


@pytest.mark.parametrize(
    ("records", "gaps"),
    [
        ([build_record(2, 3), build_record(4, 1)], ["version 1", "version 3"]),
        ([build_record(1, 3), build_record(1, 2, link=2)], ["version 1, link change 1"]),
        ([build_record(1, 3), build_record(2, 2, link=1)], ["version 2"]),
        ([build_record(1, 3), build_record(3, 2, link=2)], ["version 2", "version 3", "version 3, link change 1"]),
    ],
)
def test_gaps(records: list[dict[str, Any]], gaps: list[str]) -> None:
    assert list(map(str, read(*records).list_gaps(format_rfc3339(_NOW - 3 * _DAY_S), _NOW))) == gaps


@pytest.mark.parametrize(
    ("age_days", "retention_s", "is_missing"),
    [(399, _RETENTION_S, True), (401, _RETENTION_S, False), (900, None, True), (31, 30 * _DAY_S, False)],
)
def test_records_that_can_have_expired_are_not_missing(
    age_days: float, retention_s: float | None, *, is_missing: bool
) -> None:
    """DynamoDB deletes expired records in no order, so the second record can be gone before the first one."""
    history = read(build_record(1, age_days, retention_s=retention_s), build_record(3, 1, retention_s=retention_s))
    assert bool(history.gaps) == is_missing
    later = read(build_record(2, 1, retention_s=retention_s))
    assert bool(later.list_gaps(format_rfc3339(_NOW - age_days * _DAY_S), _NOW)) == is_missing


def test_retention_that_was_shortened() -> None:
    """The record between was written under a retention of 400 or of 30 days. It can have expired."""
    assert read(build_record(1, 300), build_record(3, 1, retention_s=30 * _DAY_S)).gaps == []
    assert read(build_record(1, 20), build_record(3, 1, retention_s=30 * _DAY_S)).gaps == [RecordPosition(2, 0)]


@pytest.mark.parametrize(
    ("version", "links", "modified_days", "lacks"),
    [(2, 1, 1, False), (2, 2, 1, True), (3, 0, 1, True), (3, 0, 401, False), (1, 0, 1, False)],
)
def test_last_record(version: int, links: int, modified_days: float, *, lacks: bool) -> None:
    history = read(build_record(1, 3), build_record(2, 2), build_record(2, 1, link=1))
    modified = format_rfc3339(_NOW - modified_days * _DAY_S)
    assert history.lacks_last(version, links, modified, _RETENTION_S, _NOW) == lacks


@pytest.mark.parametrize("operation", ["delete", "erase"])
def test_deleted_user(operation: str) -> None:
    assert read(build_record(1, 3), build_record(2, 2, operation=operation)).is_deleted
    assert not read(build_record(1, 3)).is_deleted
    assert not read().is_deleted
