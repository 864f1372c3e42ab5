"""Test the printed audit log."""

from cli.report import MARKS
from scim.service.audit.log_entries import LogEntryKind


def test_all_kinds_of_entries_have_a_mark() -> None:
    assert set(MARKS) == set(LogEntryKind)
