"""The table, the results file and the page show the values that exceed their limits."""

import json
import math
from pathlib import Path

import pytest

from bench import report
from bench.report import fill_blocks, format_summary
from bench.result import FailedPart, Row, Section, format_verdicts, to_json, to_records
from local.errors import LocalRunError

EXCEEDED = Row("page", 1.31, 1.3, "13.1 ms", "10 ms bare boto3")
MET = Row("GET", 1.3, 1.3)
WITHOUT_LIMIT = Row("CPU of a page", 7.0)


def test_value_up_to_its_limit_meets_it() -> None:
    assert [EXCEEDED.is_met, MET.is_met, WITHOUT_LIMIT.is_met] == [False, True, None]


def test_limit_applies_to_rounded_value() -> None:
    row = Row("rounded", 1.300_04, 1.3)
    assert (row.rounded_value, row.is_met) == (1.3, True)


def test_results_are_rows_with_limit() -> None:
    assert to_records([EXCEEDED, WITHOUT_LIMIT, MET]) == [
        {"name": "page", "value": 1.31, "limit": 1.3, "met": False},
        {"name": "GET", "value": 1.3, "limit": 1.3, "met": True},
    ]


def test_infinite_value_is_null_in_json() -> None:
    rejected = Row("page by userName", math.inf, 5)
    (read,) = json.loads(to_json([rejected]), parse_constant=pytest.fail)
    assert read == {"name": "page by userName", "value": None, "limit": 5, "met": False}


def test_table_summary_and_page_name_exceeded_limits() -> None:
    assert "EXCEEDED" in EXCEEDED.line()
    assert "EXCEEDED" not in MET.line()
    assert format_summary([EXCEEDED, MET, WITHOUT_LIMIT]) == "1 of 2 limits met\n- exceeded: page"
    assert "| page | 13.1 ms | 10 ms bare boto3 | 1.31 | 1.3 | **no** |" in format_verdicts([EXCEEDED])


def test_only_marked_text_is_replaced() -> None:
    page = "before\n<!-- bench: cpu -->\nold\n<!-- end -->\nafter\n"
    assert fill_blocks(page, {"cpu": "new"}) == "before\n<!-- bench: cpu -->\nnew\n<!-- end -->\nafter\n"


def test_page_without_mark_for_figure_is_rejected() -> None:
    with pytest.raises(LocalRunError, match="scan"):
        fill_blocks("<!-- bench: cpu -->\n<!-- end -->\n", {"cpu": "", "scan": ""})


def test_failed_part_keeps_its_earlier_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "".join(f"<!-- bench: {name} -->\nold {name}\n<!-- end -->\n" for name in ("run", "cpu", "scan"))
    for name in ("PAGE", "RESULTS", "CHARTS"):
        monkeypatch.setattr(report, name, tmp_path / name)
    report.PAGE.write_text(page)
    failed = [FailedPart("scan", "Rejected: 503")]
    for _ in range(2):
        report.write([Section([MET], {"cpu": "new cpu"}, {"cpu.svg": "<svg/>"})], failed, 1)
        written = report.PAGE.read_text()
        assert "<!-- bench: cpu -->\nnew cpu\n<!-- end -->" in written
        earlier = "These figures are from an earlier run. The last run could not measure this part."
        assert f"<!-- bench: scan -->\n{earlier}\n\nold scan\n<!-- end -->" in written
        assert "1 of 1 limits met\n- not measured because of an error: scan (Rejected: 503)" in written
    assert json.loads(report.RESULTS.read_text())[1:] == [{"part": "scan", "failed": "Rejected: 503"}]
    report.write([Section([MET], {"cpu": "new cpu", "scan": "new scan"})], [], 1)
    assert "<!-- bench: scan -->\nnew scan\n<!-- end -->" in report.PAGE.read_text()
