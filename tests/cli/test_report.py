"""Test the printed audit log."""

from cli.report import MARKS
from scim.service.audit.log_entries import LogEntryKind


def test_every_kind_of_entry_has_a_mark() -> None:
    assert set(MARKS) == set(LogEntryKind)
