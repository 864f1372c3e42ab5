"""Compare the cold start of each function with that of a minimal function that uses the same packages."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from botocore import xform_name

from bench.context import BenchContext
from bench.environment import ROOT, set_environment
from bench.measure import format_duration
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import Service, Table, event
from bench.wire import record_calls
from local.errors import LocalRunError

_USERS_LIMIT, _DISCOVERY_LIMIT, _MEMORY_LIMIT_MB = 0.6, 0.5, 50.0

_COLD = ROOT / "bench/cold"
_SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
"""The variable by which a function knows that Lambda takes a snapshot after its imports."""

Outcome = Mapping[str, float]


def measure(context: BenchContext) -> Section:
    users = context.users(context.scale.fewest)
    for directory in (ROOT / "src", _COLD):
        compileall.compile_dir(directory, quiet=1)
    kinds = {"users": f"/Users/{users.sample[0].id}", "discovery": "/ServiceProviderConfig"}
    rows = []
    for name, path in kinds.items():
        request = event(users.table.token, "GET", path)
        floor = request | {"calls": _record_first_calls(users.table, request)}
        turns = []
        for number in range(context.scale.rounds + 1):
            turn = (_start(users.table, f"handlers.{name}", request), _start(users.table, "bench.cold.floor", floor))
            turns += [turn] if number else []  # the first round compiles modules that are not compiled yet
        rows += _build_rows(name, *zip(*turns, strict=True))
        restored = [_start(users.table, f"handlers.{name}", request, _SNAP_START) for _ in range(context.scale.rounds)]
        rows.append(_build_restored_row(name, restored))
    return Section(rows, {"cold": format_verdicts(rows), "cold-restored": _format_restored(rows)})


def _format_restored(rows: Sequence[Row]) -> str:
    prefix = "first request after SnapStart: "
    restored = [[row.name.removeprefix(prefix), row.ours] for row in rows if row.name.startswith(prefix)]
    return format_table(["first request after SnapStart", "CPU"], restored)


def _build_rows(name: str, ours: tuple[Outcome, ...], floor: tuple[Outcome, ...]) -> list[Row]:
    cpu, least = (median(outcome["cpu"] for outcome in side) for side in (ours, floor))
    peak, least_peak = (median(outcome["peak_mb"] for outcome in side) for side in (ours, floor))
    limit = {"users": _USERS_LIMIT, "discovery": _DISCOVERY_LIMIT}[name]
    return [
        Row(
            f"import and first request: {name}",
            cpu / least,
            limit,
            format_duration(cpu),
            f"{format_duration(least)} minimal function",
        ),
        Row(f"memory, MB: {name}", peak, _MEMORY_LIMIT_MB, f"{peak:.1f} MB", f"{least_peak:.1f} MB minimal function"),
    ]


def _build_restored_row(name: str, outcomes: Sequence[Outcome]) -> Row:
    """Return the CPU time of the first request with what is prepared before the snapshot."""
    cpu = median(outcome["request_cpu"] for outcome in outcomes)
    return Row(f"first request after SnapStart: {name}", cpu, None, format_duration(cpu))


def _record_first_calls(table: Table, request: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the AWS calls of a first request, which the minimal function makes, too."""
    service = Service(table, silent=True, warm=False)
    with set_environment(table.variables), record_calls(responses=False) as calls:
        service(request)
    return [(call.service, xform_name(call.operation), call.arguments) for call in calls]


def _start(table: Table, module: str, request: Mapping[str, Any], settings: Mapping[str, str] | None = None) -> Outcome:
    """Start a function in a new process with its first request, and return what ``cold/start.py`` prints."""
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        **(settings or {}),
    }
    done = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, str(_COLD / "start.py"), module, "handler"],
        input=json.dumps(request),
        env=table.variables | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalRunError(f"{module} did not start: {done.stderr.strip()}")
    outcome: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if outcome["status"] != 200:
        raise LocalRunError(f"{module} returned status {outcome['status']:.0f} for its first request: {done.stdout}")
    return outcome
