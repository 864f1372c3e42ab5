"""The benchmark with few users: parts run, single parts write no report, and failing parts are reported."""

import re
import sys

import pytest

from bench import __main__ as bench
from bench import report
from bench.__main__ import PARTS
from bench.context import BenchContext
from bench.result import Row, Section
from tests.bench.command import ROOT, needs_dynoxide, run_benchmark

WRITTEN = ("docs/contribute/performance.md",)


def test_list_prints_parts() -> None:
    assert [line.split()[0] for line in run_benchmark("bench", "--list").splitlines()] == list(PARTS)


@pytest.mark.nightly
@needs_dynoxide
def test_quick_run_counts_calls_and_writes_no_figures() -> None:
    before = [(ROOT / name).read_bytes() for name in WRITTEN]
    parts = ("handler", "tls", "calls", "scan", "bulk", "costs", "million")
    output = run_benchmark("bench", "--quick", *(f"--only={name}" for name in parts))
    counted = dict(re.findall(r"^calls: (.+?)  +(\d+) ", output, re.MULTILINE))
    assert counted["GET"] == counted["create"] == "1"
    assert counted["PATCH"] == counted["PUT"] == counted["DELETE"] == counted["userName eq"] == "2"
    assert re.search(r"^handler call, CPU: page of 10 +[\d.]+ +0.45 +(met|EXCEEDED) ", output, re.MULTILINE)
    assert re.search(r"^handler call over TLS, CPU: GET +[\d.]+ +0.6 +(met|EXCEEDED) ", output, re.MULTILINE)
    assert re.search(r"^bulk of 10 creates +[\d.]+ +0.7 +(met|EXCEEDED) ", output, re.MULTILINE)
    assert re.search(r"^calls at 300 users: last page, jumped to +3 +3 +met", output, re.MULTILINE)
    assert re.search(r"^USD per million: create +[\d.]+ +0 read and \d+ write units$", output, re.MULTILINE)
    assert re.search(r"^\d+ of \d+ limits met$", output, re.MULTILINE)
    assert [(ROOT / name).read_bytes() for name in WRITTEN] == before


def test_failing_part_does_not_stop_other_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: BenchContext) -> Section:
        raise ValueError("no response\nin time")

    def succeed(_: BenchContext) -> Section:
        sys.stdout.write("a line of the log\n")
        return Section([Row("GET", 1.0, 1.5)])

    monkeypatch.setattr(bench, "PARTS", {"broken": fail, "sound": succeed})
    monkeypatch.setattr(bench, "ignore_aws_configuration", lambda: None)
    monkeypatch.setattr(sys, "argv", ["bench", "--quick"])
    assert bench.main() == 1
    captured = capsys.readouterr()
    assert re.search(r"^broken +FAILED: ValueError: no response in time$", captured.out, re.MULTILINE)
    assert re.search(r"^GET +1 +1.5 +met$", captured.out, re.MULTILINE)
    assert (
        "1 of 1 limits met\n- not measured because of an error: broken (ValueError: no response in time)"
        in captured.out
    )
    assert "a line of the log" not in captured.out
    assert "Traceback" in captured.err


def test_report_is_written_despite_failing_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: BenchContext) -> Section:
        raise ValueError("broken")

    written: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(bench, "PARTS", {"broken": fail, "sound": lambda _: Section([Row("GET", 1.0, 1.5)])})
    monkeypatch.setattr(bench, "ignore_aws_configuration", lambda: None)
    monkeypatch.setattr(sys, "argv", ["bench"])
    monkeypatch.setattr(
        report,
        "write",
        lambda sections, failed, _: written.append((len(sections), [part.name for part in failed])),
    )
    assert bench.main() == 1
    assert written == [(1, ["broken"])]
