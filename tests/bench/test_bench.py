"""The benchmark with few users: parts run, single parts write no report, and failing parts are reported."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import report
from bench.__main__ import PARTS
from bench.context import BenchContext
from bench.result import Row, Section
from local.engine import DYNOXIDE

ROOT = Path(__file__).parents[2]
WRITTEN = ("docs/contribute/performance.md",)


def run(*arguments: str) -> str:
    process = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_list_prints_parts() -> None:
    assert [line.split()[0] for line in run("--list").splitlines()] == list(PARTS)


@pytest.mark.nightly
@pytest.mark.skipif(not DYNOXIDE.exists(), reason="dynoxide has no package for this platform, and make bench needs it")
def test_quick_run_counts_calls_and_writes_no_figures() -> None:
    before = [(ROOT / name).read_bytes() for name in WRITTEN]
    parts = ("handler", "tls", "calls", "scan", "bulk", "costs", "million")
    output = run("--quick", *(f"--only={name}" for name in parts))
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


@pytest.mark.nightly
@pytest.mark.skipif(not DYNOXIDE.exists(), reason="dynoxide has no package for this platform, and the bench needs it")
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("invocation",), [r"body of 2,000 bytes: [\d.]+ (µs|ms)", r"body of 200,000 bytes: [\d.]+ (µs|ms)"]),
        (("fairness", "--seconds", "5"), [r"noisy tenant +[1-9]\d* +[1-9]\d*", r"others, calls: 1\.00 times"]),
        (
            ("fairness", "--seconds", "5", "--scan", "300"),
            [r"noisy tenant +[1-9]\d* +0", "scans of 300 users that were accepted"],
        ),
        (
            ("maintenance", "--users", "300", "--rate", "1000"),
            [
                r"check +\S+ .* 0 problems found, 0 repaired",
                # Two deleted index entries of one user are one problem.
                r"check --repair +\S+ .* ([1-9]\d+) problems found, \1 repaired",
                r"check after the repair +\S+ .* 0 problems found, 0 repaired",
                r"export +\S+ .* 300 users",
                r"resync +\S+ .* 300 events",
                r"left in the table: CERTIFICATES acme#\S+, TASKS purge#acme; 0 items with a value of a user",
                "left in the queues: 0 messages",
                "left in Secrets Manager: no secret",
                "left in the log of the functions: 0 values of users",
            ],
        ),
    ],
)
def test_other_benchmarks_run(arguments: tuple[str, ...], lines: list[str]) -> None:
    name, *options = arguments
    process = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", f"bench.{name}", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    for line in lines:
        assert re.search(f"^{line}", process.stdout, re.MULTILINE), process.stdout
