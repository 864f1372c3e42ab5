"""The bench itself, with a few users: every part that needs no peer runs, and a part alone writes nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import PARTS
from local.engine import DYNOXIDE

ROOT = Path(__file__).parents[2]
WRITTEN = ("docs/performance.md",)


def run(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_parts_are_listed() -> None:
    assert [line.split()[0] for line in run("--list").splitlines()] == list(PARTS)


@pytest.mark.skipif(not DYNOXIDE.exists(), reason="dynoxide has no package for this platform, and make bench needs it")
def test_a_quick_run_counts_the_calls_of_every_request_and_leaves_the_figures_alone() -> None:
    before = [(ROOT / name).read_bytes() for name in WRITTEN]
    shown = run("--quick", *(f"--only={name}" for name in ("handler", "calls", "walk", "bulk", "costs", "million")))
    counted = dict(re.findall(r"^calls: (.+?)  +(\d+) ", shown, re.MULTILINE))
    assert counted["GET"] == counted["create"] == "1"
    assert counted["PATCH"] == counted["PUT"] == counted["DELETE"] == counted["userName eq"] == "2"
    assert re.search(r"^handler call: page of 10 +[\d.]+ +1.3 +(holds|FAILS) ", shown, re.MULTILINE)
    assert re.search(r"^bulk of 10 creates +[\d.]+ +1.5 +(holds|FAILS) ", shown, re.MULTILINE)
    assert re.search(r"^calls at 300 users: last page, jumped to +3 +3 +holds", shown, re.MULTILINE)
    assert re.search(r"^USD of a million: create +[\d.]+ +0 read and \d+ write units$", shown, re.MULTILINE)
    assert re.search(r"^\d+ of \d+ bars hold$", shown, re.MULTILINE)
    assert [(ROOT / name).read_bytes() for name in WRITTEN] == before
