"""Test tables for people."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from cli import output
from cli.errors import CommandError
from cli.main import muster


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_json_lines_before_an_error_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> Iterator[dict[str, str]]:
        yield {"name": "Zoë"}
        raise OSError("the connection broke")

    with pytest.raises(OSError, match="broke"):
        output.print_json_lines(read())
    assert lines(capsys) == ['{"name": "Zoë"}']


@pytest.mark.parametrize("moment", [1_780_304_400.9, "2026-06-01T09:00:00.900Z", "2026-06-01T11:00:00+02:00"])
def test_time_for_people_is_utc(moment: float | str) -> None:
    assert output.format_time(moment) == "2026-06-01 09:00:00 UTC"


def test_damaged_time_is_shown_as_it_is() -> None:
    assert output.format_time("yesterday") == "yesterday"


def test_missing_time() -> None:
    assert [output.format_optional_time(moment) for moment in (None, "")] == ["-", "-"]
    assert output.format_optional_time(None, "never") == "never"


def test_times_in_sentences_are_for_people() -> None:
    sentence = "A token was rejected at 2026-06-01T09:00:00.123Z. \x1b[2J"
    assert output.format_sentence(sentence) == (
        "A token was rejected at 2026-06-01 09:00:00 UTC. \N{REPLACEMENT CHARACTER}[2J"
    )


def test_error_for_people_has_no_control_characters() -> None:
    error = CommandError("Valid until 2026-06-01T09:00:00.000Z.\nWait.\x1b[2J")
    assert error.format_message() == "Valid until 2026-06-01 09:00:00 UTC.\nWait.\N{REPLACEMENT CHARACTER}[2J"


def test_past_time_is_a_duration_or_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "now", lambda: 1_780_304_400.0)
    values = ("2h", "2026-06-01", "2026-06-01T09:00", "2026-06-01T09:00:00Z", "2026-06-01T11:00+02:00")
    times = [output.format_time(output.PastTime().convert(value, None, None)) for value in values]
    assert times == ["2026-06-01 07:00:00 UTC", "2026-06-01 00:00:00 UTC", *["2026-06-01 09:00:00 UTC"] * 3]
    with pytest.raises(click.BadParameter, match="use for example 30m"):
        output.PastTime().convert("yesterday", None, None)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("Ada", 3),
        ("陈小明", 6),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER Z}", 2),
        ("e\N{COMBINING ACUTE ACCENT}", 1),
        ("zoë", 3),
        ("a\N{ZERO WIDTH JOINER}", 1),
    ],
)
def test_width_on_a_terminal(text: str, width: int) -> None:
    assert output.measure_width(text) == width


def test_wide_characters_are_aligned_and_truncated(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "ACTIVE"), [["陈小明", "yes"], ["Ada", "no"], ["陈" * 30, "yes"]])
    assert lines(capsys) == [
        f"NAME{' ' * 36}  ACTIVE",
        f"陈小明{' ' * 34}  yes",
        f"Ada{' ' * 37}  no",
        f"{'陈' * 19}…   yes",
    ]


def test_empty_cell_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "EMAIL", "TITLE"), [["Ada", "", ""]])
    assert lines(capsys)[1] == "Ada   -      -"


def show_colored_table(*arguments: str, **variables: str) -> str:
    @muster.command("show-colors")
    def show_colors() -> None:
        output.print_table(("STATE", "NAME"), [[output.ColoredText("ok", "green"), "Ada"]])

    try:
        result = CliRunner(env=variables).invoke(muster, [*arguments, "show-colors"], color=True)
    finally:
        del muster.commands["show-colors"]
    return result.stdout


def test_color_does_not_change_the_alignment() -> None:
    assert show_colored_table().splitlines() == ["STATE  NAME", "\x1b[32mok   \x1b[0m  Ada"]


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_color_can_be_turned_off(variables: dict[str, str]) -> None:
    assert show_colored_table(**variables).splitlines() == ["STATE  NAME", "ok     Ada"]


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
