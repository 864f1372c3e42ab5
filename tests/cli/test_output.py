"""Tables for people."""

import pytest

from cli import output


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_columns_are_as_wide_as_their_rows_need(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("ID", "NAME"), [["1", "Ada"], ["1000", "Grace"]])
    assert lines(capsys) == ["ID    NAME", "1     Ada", "1000  Grace"]


def test_long_name_is_cut_and_leaves_the_others_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(
        ("NAME", "ACTIVE", "EMAIL"), [["a" * 300, "yes", "a@example.com"], ["Bob", "no", "b@example.com"]]
    )
    assert lines(capsys) == [
        f"{'NAME':<40}  ACTIVE  EMAIL",
        f"{'a' * 39}…  yes     a@example.com",
        f"{'Bob':<40}  no      b@example.com",
    ]


def test_long_name_that_comes_late_is_cut_too(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "ACTIVE"), [*([["Ada", "yes"]] * 200), ["a" * 300, "no"]])
    assert lines(capsys)[-1] == f"{'a' * 39}…  no"


def test_last_column_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("ATTRIBUTE", "SCHEMA"), [["Badge", "urn:" + "x" * 100]])
    assert lines(capsys)[-1] == "Badge      urn:" + "x" * 100


def test_what_a_row_has_beyond_its_columns_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(
        ("WHO", "WHAT"), [["ada", "Failed.", "What to change: \x1bthe mapping"], ["bob", "Created.", ""]]
    )
    assert lines(capsys) == [
        "WHO  WHAT",
        "ada  Failed.",
        "    What to change: \N{REPLACEMENT CHARACTER}the mapping",
        "bob  Created.",
    ]
