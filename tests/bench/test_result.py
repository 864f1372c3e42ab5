"""The table, the results file and the page show which values exceed their bars."""

import json
import math
from pathlib import Path

import pytest

from bench import report
from bench.report import fill_blocks, format_summary
from bench.result import FailedPart, Row, Section, format_verdicts, to_json, to_records
from local.errors import LocalRunError

FAILING = Row("page", 1.31, 1.3, "13.1 ms", "10 ms bare boto3")
HOLDING = Row("GET", 1.3, 1.3)
WITHOUT_BAR = Row("CPU of a page", 7.0)


def test_value_holds_up_to_its_bar() -> None:
    assert [FAILING.holds, HOLDING.holds, WITHOUT_BAR.holds] == [False, True, None]


def test_bar_applies_to_rounded_value() -> None:
    row = Row("rounded", 1.300_04, 1.3)
    assert (row.shown, row.holds) == (1.3, True)


def test_results_are_rows_with_bar() -> None:
    assert to_records([FAILING, WITHOUT_BAR, HOLDING]) == [
        {"name": "page", "value": 1.31, "bar": 1.3, "holds": False},
        {"name": "GET", "value": 1.3, "bar": 1.3, "holds": True},
    ]


def test_infinite_value_is_null_in_json() -> None:
    refused = Row("page by userName", math.inf, 5)
    (read,) = json.loads(to_json([refused]), parse_constant=pytest.fail)
    assert read == {"name": "page by userName", "value": None, "bar": 5, "holds": False}


def test_table_summary_and_page_name_failing_rows() -> None:
    assert "FAILS" in FAILING.line()
    assert "FAILS" not in HOLDING.line()
    assert format_summary([FAILING, HOLDING, WITHOUT_BAR]) == "1 of 2 bars hold\n- not: page"
    assert "| page | 13.1 ms | 10 ms bare boto3 | 1.31 | 1.3 | **no** |" in format_verdicts([FAILING])


def test_only_marked_text_is_replaced() -> None:
    page = "before\n<!-- bench: cpu -->\nold\n<!-- end -->\nafter\n"
    assert fill_blocks(page, {"cpu": "new"}) == "before\n<!-- bench: cpu -->\nnew\n<!-- end -->\nafter\n"


def test_page_without_mark_for_a_figure_is_rejected() -> None:
    with pytest.raises(LocalRunError, match="walk"):
        fill_blocks("<!-- bench: cpu -->\n<!-- end -->\n", {"cpu": "", "walk": ""})


def test_failed_part_keeps_its_earlier_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "".join(f"<!-- bench: {name} -->\nold {name}\n<!-- end -->\n" for name in ("run", "cpu", "walk"))
    for name in ("PAGE", "RESULTS", "CHARTS"):
        monkeypatch.setattr(report, name, tmp_path / name)
    report.PAGE.write_text(page)
    failed = [FailedPart("walk", "Refused: 503")]
    for _ in range(2):
        report.write([Section([HOLDING], {"cpu": "new cpu"}, {"cpu.svg": "<svg/>"})], failed, 1)
        written = report.PAGE.read_text()
        assert "<!-- bench: cpu -->\nnew cpu\n<!-- end -->" in written
        earlier = "Of an earlier run: in the last one, this part failed."
        assert f"<!-- bench: walk -->\n{earlier}\n\nold walk\n<!-- end -->" in written
        assert "1 of 1 bars hold\n- not measured, since it failed: walk (Refused: 503)" in written
    assert json.loads(report.RESULTS.read_text())[1:] == [{"part": "walk", "failed": "Refused: 503"}]
    report.write([Section([HOLDING], {"cpu": "new cpu", "walk": "new walk"})], [], 1)
    assert "<!-- bench: walk -->\nnew walk\n<!-- end -->" in report.PAGE.read_text()
