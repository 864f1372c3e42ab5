"""A journal keeps its entries and reports damage."""

from pathlib import Path

import pytest

from local.errors import LocalRunError
from local.services.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def append(path: Path, *entries: dict[str, object]) -> None:
    journal = Journal(path)
    for entry in entries:
        journal.append(entry)
    journal.close()


def read(path: Path) -> list[dict[str, object]]:
    journal = Journal(path)
    try:
        return list(journal)
    finally:
        journal.close()


def test_new_journal_is_empty(path: Path) -> None:
    assert read(path) == []


def test_entries_keep_order_after_restart(path: Path) -> None:
    append(path, {"n": 1}, {"n": 2, "text": "two\nlines, zoë"})
    append(path, {"n": 3})
    assert read(path) == [{"n": 1}, {"n": 2, "text": "two\nlines, zoë"}, {"n": 3}]


def test_incomplete_last_line_is_removed(path: Path) -> None:
    append(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "te')
    append(path, {"n": 3})
    assert read(path) == [{"n": 1}, {"n": 3}]


def test_damaged_line_is_named_in_error(path: Path) -> None:
    append(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b"\xff garbage\n")
    with pytest.raises(LocalRunError, match="journal, line 2 is damaged"):
        read(path)
