"""Test tables for people."""

import json
from collections.abc import Iterator

import pytest

from cli import output


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_json_array_is_complete_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> Iterator[int]:
        yield 1
        raise OSError("the connection broke")

    with pytest.raises(OSError, match="broke"):
        output.print_json_array(read())
    assert json.loads(capsys.readouterr().out) == [1]


def test_column_width_fits_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("ID", "NAME"), [["1", "Ada"], ["1000", "Grace"]])
    assert lines(capsys) == ["ID    NAME", "1     Ada", "1000  Grace"]


def test_long_cell_is_truncated(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(
        ("NAME", "ACTIVE", "EMAIL"), [["a" * 300, "yes", "a@example.com"], ["Bob", "no", "b@example.com"]]
    )
    assert lines(capsys) == [
        f"{'NAME':<40}  ACTIVE  EMAIL",
        f"{'a' * 39}…  yes     a@example.com",
        f"{'Bob':<40}  no      b@example.com",
    ]


def test_long_cell_in_a_late_row_is_truncated(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "ACTIVE"), [*([["Ada", "yes"]] * 200), ["a" * 300, "no"]])
    assert lines(capsys)[-1] == f"{'a' * 39}…  no"


def test_last_column_is_not_truncated(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("ATTRIBUTE", "SCHEMA"), [["Badge", "urn:" + "x" * 100]])
    assert lines(capsys)[-1] == "Badge      urn:" + "x" * 100


def test_extra_cells_are_below_the_row(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(
        ("USER", "RESULT"), [["ada", "Failed.", "What to change: \x1bthe mapping"], ["bob", "Created.", ""]]
    )
    assert lines(capsys) == [
        "USER  RESULT",
        "ada   Failed.",
        "    What to change: \N{REPLACEMENT CHARACTER}the mapping",
        "bob   Created.",
    ]
