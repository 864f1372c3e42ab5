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
_NOT_MEASURED = "These figures are from an earlier run. The last run could not measure this part.\n\n"


def write(sections: Sequence[Section], failed: Sequence[FailedPart], minutes: float) -> None:
    """Write the page, its charts and the results file after a full run.

    The figures of a failed part stay on the page as they are, with a note.
    """
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
    """Return the page with the text between each pair of marks replaced by the block of that name.

    A mark without a block keeps its text, with a note. Raise :class:`LocalRunError` if a block has no mark, or if a
    complete run has no block for a mark.
    """
    marked = {match["name"] for match in _BLOCK.finditer(page)}
    if blocks.keys() - marked or (is_complete and marked != blocks.keys()):
        raise LocalRunError(
            "the marks in docs/contribute/performance.md differ from the measured parts: "
            f"{', '.join(sorted(marked ^ blocks.keys()))}"
        )

    def fill(match: re.Match[str]) -> str:
        text = blocks.get(match["name"]) or _NOT_MEASURED + match["text"].removeprefix(_NOT_MEASURED).rstrip("\n")
        return f"{match['mark']}{text}\n{match['end']}"

    return _BLOCK.sub(fill, page)


def format_summary(rows: Sequence[Row], failed: Sequence[FailedPart] = ()) -> str:
    """Return how many limits are met, which are exceeded, and which parts could not be measured."""
    limited = [row for row in rows if row.limit is not None]
    exceeded = [row.name for row in limited if not row.is_met]
    lines = [f"{len(limited) - len(exceeded)} of {len(limited)} limits met"]
    lines += [f"- exceeded: {name}" for name in exceeded]
    lines += [f"- not measured because of an error: {part.name} ({part.reason})" for part in failed]
    return "\n".join(lines)


def _format_run(rows: Sequence[Row], failed: Sequence[FailedPart], minutes: float) -> str:
    return (
        f"Last run: {datetime.now(UTC):%d %B %Y}, {minutes:.0f} minutes, on {os.cpu_count()} {platform.machine()} "
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
