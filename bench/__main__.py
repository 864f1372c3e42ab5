"""``python -m bench``: measures, prints a table, and writes it down. ``make bench`` installs what it needs first."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bulk, calls, coldstart, costs, cpu, growth, handler, million, overhttp, report, walk
from bench.environment import ignore_aws_configuration
from bench.result import HEADING, FailedPart, Row, Section
from bench.stage import FULL, QUICK, Scale, Stage

# Those that measure time against the number of users come before those that change it.
PARTS: dict[str, Callable[[Stage], Section]] = {
    "cpu": cpu.measure,
    "handler": handler.measure,
    "growth": growth.measure,
    "calls": calls.measure,
    "walk": walk.measure,
    "bulk": bulk.measure,
    "cold": coldstart.measure,
    "costs": costs.measure,
    "http": overhttp.measure,
    "million": million.measure,
}


_LONGEST_REASON = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the parts")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part only, and write nothing")
    parser.add_argument("--quick", action="store_true", help="try that everything runs; the figures mean nothing")
    options = parser.parse_args()
    if options.list:
        for name, part in PARTS.items():
            print(f"{name:<8} {(sys.modules[part.__module__].__doc__ or '').splitlines()[0]}")
        return 0
    names = options.only or list(PARTS)
    started = time.monotonic()
    ignore_aws_configuration()
    sections, failed = _measure(names, QUICK if options.quick else FULL)
    rows = [row for section in sections for row in section.rows]
    minutes = (time.monotonic() - started) / 60
    print(f"{report.format_summary(rows, failed)}\n{minutes:.1f} minutes")
    if names == list(PARTS) and not options.quick:
        report.write(sections, failed, minutes)
        print(f"Written: {report.RESULTS.name}, docs/contribute/performance.md and its charts")
    return 1 if failed else 0


def _measure(names: Sequence[str], scale: Scale) -> tuple[list[Section], list[FailedPart]]:
    """Measure the parts. One that fails says so at once, and takes nothing from the others."""
    terminal = sys.stdout
    sections: list[Section] = []
    failed: list[FailedPart] = []
    print(HEADING, file=terminal)
    # The functions log to standard output, which has to cost something and need not be seen.
    with TemporaryDirectory() as directory, ExitStack() as running, Path(os.devnull).open("w") as nowhere:
        stage = Stage(scale, Path(directory), running)
        for name in names:
            try:
                with redirect_stdout(nowhere):
                    sections.append(PARTS[name](stage))
            except Exception as error:  # noqa: BLE001  # whatever it is, the other parts are measured
                traceback.print_exc()
                failed.append(FailedPart(name, _reason(error)))
                print(failed[-1].line(), file=terminal, flush=True)
            else:
                _show(sections[-1].rows, terminal)
    return sections, failed


def _reason(error: Exception) -> str:
    """Return what happened in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST_REASON]


def _show(rows: Sequence[Row], terminal: object) -> None:
    for row in rows:
        print(row.line(), file=terminal, flush=True)  # type: ignore[call-overload]  # a text stream


if __name__ == "__main__":
    sys.exit(main())
