"""``python -m bench``: measure, print a table, and write the results. ``make bench`` also installs the dependencies."""

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

from bench import bulk, calls, coldstart, costs, cpu, growth, handler, million, overhttp, report, scan, tls
from bench.context import FULL, QUICK, BenchContext, Scale
from bench.environment import ignore_aws_configuration
from bench.result import HEADING, FailedPart, Row, Section
from bench.summary import summarize

# Parts that need tables of an exact size come before parts that create users in them.
PARTS: dict[str, Callable[[BenchContext], Section]] = {
    "cpu": cpu.measure,
    "handler": handler.measure,
    "tls": tls.measure,
    "growth": growth.measure,
    "calls": calls.measure,
    "scan": scan.measure,
    "bulk": bulk.measure,
    "cold": coldstart.measure,
    "costs": costs.measure,
    "http": overhttp.measure,
    "million": million.measure,
}

_MAX_REASON_LENGTH = 300


def main() -> int:
    """Run the command, and return its exit status: 1 if a part failed. An exceeded limit is not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the parts")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this part, and write no files")
    parser.add_argument("--quick", action="store_true", help="only check that everything runs; figures are meaningless")
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
        if not failed:  # the summary needs all figures
            sections.append(Section([], {"summary": summarize(rows)}))
        report.write(sections, failed, minutes)
        print(f"Written: bench/{report.RESULTS.name}, docs/contribute/performance.md and its charts")
    return 1 if failed else 0


def _measure(names: Sequence[str], scale: Scale) -> tuple[list[Section], list[FailedPart]]:
    """Measure the parts, and print each row as soon as it is measured. A part that fails does not stop the others."""
    terminal = sys.stdout
    sections: list[Section] = []
    failed: list[FailedPart] = []
    print(HEADING, file=terminal)
    # The functions log to standard output. The cost of writing belongs to the figures, but the output is not needed.
    with TemporaryDirectory() as directory, ExitStack() as running, Path(os.devnull).open("w") as null:
        context = BenchContext(scale, Path(directory), running)
        for name in names:
            try:
                with redirect_stdout(null):
                    sections.append(PARTS[name](context))
            except Exception as error:  # noqa: BLE001  # any error must not stop the other parts
                traceback.print_exc()
                failed.append(FailedPart(name, _format_error(error)))
                print(failed[-1].line(), file=terminal, flush=True)
            else:
                _print_rows(sections[-1].rows, terminal)
    return sections, failed


def _format_error(error: Exception) -> str:
    """Return an error in one line of at most 300 characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_MAX_REASON_LENGTH]


def _print_rows(rows: Sequence[Row], terminal: object) -> None:
    for row in rows:
        print(row.line(), file=terminal, flush=True)  # type: ignore[call-overload]  # a text stream


if __name__ == "__main__":
    sys.exit(main())
