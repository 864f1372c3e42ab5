"""Run the command of a benchmark."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.engine import DYNOXIDE

ROOT = Path(__file__).parents[2]

needs_dynoxide = pytest.mark.skipif(
    not DYNOXIDE.exists(), reason="dynoxide has no package for this platform, and the bench needs it"
)


def run_benchmark(module: str, *arguments: str) -> str:
    """Return what the command prints to standard output."""
    process = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def expect_lines(output: str, *patterns: str) -> None:
    """Expect that for each regular expression, a line of the output begins with a match."""
    for pattern in patterns:
        assert re.search(f"^{pattern}", output, re.MULTILINE), output
