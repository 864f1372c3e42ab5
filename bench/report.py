"""What a run leaves: ``bench/results.json``, the figures of docs/performance.md, and its charts."""

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

from bench.place import DOCS, PEERS, ROOT
from bench.result import Row, Section, to_json
from local.engine import DYNOXIDE
from local.problem import Problem

RESULTS = Path(__file__).parent / "results.json"
PAGE = DOCS / "performance.md"
CHARTS = DOCS / "performance"

_BLOCK = re.compile(r"(<!-- bench: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(sections: Sequence[Section], minutes: float) -> None:
    """Write all that a whole run leaves."""
    rows = [row for section in sections for row in section.rows]
    blocks = {name: text for section in sections for name, text in section.blocks.items()}
    PAGE.write_text(filled(PAGE.read_text(), blocks | {"run": _run(rows, minutes)}))
    CHARTS.mkdir(exist_ok=True)
    for section in sections:
        for name, picture in section.charts.items():
            (CHARTS / name).write_text(picture)
    RESULTS.write_text(to_json(rows))


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with these texts between its marks. Raises :class:`Problem` unless marks and texts are the same."""
    marked = {name for _, name, _ in _BLOCK.findall(page)}
    if marked != blocks.keys():
        raise Problem(f"docs/performance.md lacks or has more than was measured: {sorted(marked ^ blocks.keys())}")
    return _BLOCK.sub(lambda found: f"{found[1]}{blocks[found[2]]}\n{found[3]}", page)


def summary(rows: Sequence[Row]) -> str:
    barred = [row for row in rows if row.bar is not None]
    failing = [row.name for row in barred if not row.holds]
    return f"{len(barred) - len(failing)} of {len(barred)} bars hold" + "".join(f"\n- not: {name}" for name in failing)


def _run(rows: Sequence[Row], minutes: float) -> str:
    return (
        f"Run on {datetime.now(UTC):%d %B %Y}, {minutes:.0f} minutes, on {os.cpu_count()} {platform.machine()} "
        f"processors with {_versions()}.\n\n{summary(rows)}"
    )


def _versions() -> str:
    found = {
        "Python": platform.python_version(),
        "boto3": version("boto3"),
        "powertools": version("aws-lambda-powertools"),
        "dynoxide": _said(str(DYNOXIDE), "--version").rpartition(" ")[2],
        "Node": _said("node", "--version").removeprefix("v"),
        "scim2-server": _locked(ROOT / "requirements/bench.txt", r"^scim2-server==(\S+)"),
        "scimmy": json.loads((PEERS / "scimmy/package.json").read_text())["dependencies"]["scimmy"],
    }
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  # ours


def _locked(lock: Path, pattern: str) -> str:
    found = re.search(pattern, lock.read_text(), re.MULTILINE)
    return found[1] if found else "of unknown version"
