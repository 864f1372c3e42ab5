"""Test ``muster --version``."""

import re
from pathlib import Path

from click.testing import CliRunner

from cli.main import muster
from cli.version import read_version

ROOT = Path(__file__).parents[2]


def test_version_is_printed_without_a_deployment() -> None:
    result = CliRunner().invoke(muster, ["--version"])
    assert (result.exit_code, result.output) == (0, f"muster {read_version()}\n")


def test_version_is_the_latest_in_the_changelog() -> None:
    latest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert latest is not None
    assert read_version() == latest[1]
