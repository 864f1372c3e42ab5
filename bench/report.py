"""Write the results of a run: ``bench/results.json``, the figures of docs/contribute/performance.md, and its charts."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.environment import DOCS, PEERS, ROOT
from bench.result import FailedPart, Row, Section, to_json
from local.engine import DYNOXIDE
from local.errors import LocalRunError

RESULTS = Path(__file__).parent / "results.json"
PAGE = DOCS / "contribute/performance.md"
CHARTS = DOCS / "contribute/performance"

_BLOCK = re.compile(r"(?P<mark><!-- bench: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL)
_NOT_MEASURED = "Of an earlier run: in the last one, this part failed.\n\n"


def write(sections: Sequence[Section], failed: Sequence[FailedPart], minutes: float) -> None:
    """Write all that a whole run leaves. What a failed part would have measured stays as it was, and says so."""
    rows = [row for section in sections for row in section.rows]
    blocks = {name: text for section in sections for name, text in section.blocks.items()}
    page = fill_blocks(PAGE.read_text(), blocks | {"run": _format_run(rows, failed, minutes)}, is_complete=not failed)
    PAGE.write_text(page)
    CHARTS.mkdir(exist_ok=True)
    for section in sections:
        for name, picture in section.charts.items():
            (CHARTS / name).write_text(picture)
    RESULTS.write_text(to_json(rows, failed))


def fill_blocks(page: str, blocks: Mapping[str, str], *, is_complete: bool = True) -> str:
    """Return the page with these texts between its marks.

    Raises :class:`LocalRunError` unless marks and texts are the same; unless the run is complete, marks without a text
    keep the earlier one, with a note.
    """
    marked = {match["name"] for match in _BLOCK.finditer(page)}
    if blocks.keys() - marked or (is_complete and marked != blocks.keys()):
        raise LocalRunError(
            f"docs/contribute/performance.md lacks or has more than was measured: {sorted(marked ^ blocks.keys())}"
        )

    def fill(match: re.Match[str]) -> str:
        text = blocks.get(match["name"]) or _NOT_MEASURED + match["text"].removeprefix(_NOT_MEASURED).rstrip("\n")
        return f"{match['mark']}{text}\n{match['end']}"

    return _BLOCK.sub(fill, page)


def format_summary(rows: Sequence[Row], failed: Sequence[FailedPart] = ()) -> str:
    """Return how many bars hold, which do not, and which parts were not measured."""
    barred = [row for row in rows if row.bar is not None]
    failing = [row.name for row in barred if not row.holds]
    lines = [f"{len(barred) - len(failing)} of {len(barred)} bars hold", *(f"- not: {name}" for name in failing)]
    return "\n".join([*lines, *(f"- not measured, since it failed: {part.name} ({part.reason})" for part in failed)])


def _format_run(rows: Sequence[Row], failed: Sequence[FailedPart], minutes: float) -> str:
    return (
        f"Run on {datetime.now(UTC):%d %B %Y}, {minutes:.0f} minutes, on {os.cpu_count()} {platform.machine()} "
        f"processors with {_format_versions()}.\n\n{format_summary(rows, failed)}"
    )


def _format_versions() -> str:
    versions = {
        "Python": platform.python_version(),
        "boto3": version("boto3"),
        "powertools": version("aws-lambda-powertools"),
        "dynoxide": _run_command(str(DYNOXIDE), "--version").rpartition(" ")[2],
        "Node": _run_command("node", "--version").removeprefix("v"),
        "scim2-server": _find_locked_version(ROOT / "requirements/bench.txt", r"^scim2-server==(\S+)"),
        "scimmy": json.loads((PEERS / "scimmy/package.json").read_text())["dependencies"]["scimmy"],
    }
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def _run_command(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  # ours


def _find_locked_version(lock: Path, pattern: str) -> str:
    match = re.search(pattern, lock.read_text(), re.MULTILINE)
    return match[1] if match else "of unknown version"
