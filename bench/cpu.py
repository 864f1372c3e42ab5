"""CPU of ``src/scim`` from the decoded event to the encoded answer, against scim2-server's service.

Requests go through the whole handler, with what DynamoDB answered before in the place of its client, and without
powertools; the clock runs while it is inside ``src/scim``: authentication, reading the body, the use case, showing.
The whole handler, powertools and botocore are measured beside it.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools import Logger

import handlers.http.request
import handlers.http.routes.resources
from bench import operations, population
from bench.chart import Line, build_table, draw_chart
from bench.environment import PEERS, ROOT
from bench.handler import Lockstep
from bench.measure import MS, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import Service
from bench.stage import Stage
from bench.wire import replay_calls
from local.errors import LocalRunError
from scim.auth.authentication import Authenticator
from scim.service.resources.crud import ResourceService
from scim.service.resources.search import ResourceSearch

_PEER = ROOT / ".venv-bench/bin/python"
_WRITE_BAR, _PAGE_BAR, _ATTRIBUTES_BAR, _FILTER_BAR = 1 / 8, 1 / 100, 1 / 20, 1 / 10
_LOADED_AT_ONCE = 50
_CHART_ROUNDS = 3
# Ours are over so soon that as many as theirs would measure how long the processor's caches take to fill.
_MORE_OF_OURS = 10

Sent = dict[str, Any]


# What the handlers call of src/scim to answer a request about users.
_ENTRIES: Sequence[tuple[Any, str]] = (
    (Authenticator, "authenticate"),
    (handlers.http.request, "parse_json"),
    (handlers.http.routes.resources, "parse_projection"),
    (handlers.http.routes.resources, "parse_message"),
    (ResourceService, "create"),
    (ResourceService, "get"),
    (ResourceService, "patch"),
    (ResourceSearch, "run"),
    (handlers.http.routes.resources, "render_resource"),
)


@contextmanager
def measure_src_scim() -> Iterator[list[float]]:
    """Collect the CPU seconds of each call into ``src/scim`` in the block."""
    spent: list[float] = []

    def timed(entry: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return entry(*arguments, **named)
            finally:
                spent.append(time.process_time() - started)

        return call

    with ExitStack() as replaced:
        for place, name in _ENTRIES:
            replaced.enter_context(patch.object(place, name, timed(getattr(place, name))))
        yield spent


class Peer:
    """scim2-server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ids: list[str] = []

    def turn(self, requests: Sequence[Sent]) -> tuple[float, Any]:
        """Return the CPU seconds of one of the requests, and the last answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise LocalRunError("scim2-server has no pipes")
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LocalRunError("scim2-server ended; what it said stands above")
        outcome = json.loads(line)
        return outcome["cpu"], outcome["answer"]

    def load(self, numbers: range) -> None:
        """Create users, and keep some of their ids."""
        for first in range(numbers.start, numbers.stop, _LOADED_AT_ONCE):
            batch = range(first, min(first + _LOADED_AT_ONCE, numbers.stop))
            _, last = self.turn([build_sent_request("POST", "/Users", population.user(number)) for number in batch])
            self.ids.append(last["id"])
        self.turn([])


@contextmanager
def start_peer() -> Iterator[Peer]:
    if not _PEER.exists():
        raise LocalRunError("scim2-server is not installed; make bench does that")
    command = [str(_PEER), str(PEERS / "scim2.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        try:
            yield Peer(process)
        finally:
            process.kill()


def build_sent_request(method: str, path: str, body: Any = None, query: Mapping[str, object] | None = None) -> Sent:
    text = "" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {
        "method": method,
        "path": path,
        "query": {name: str(value) for name, value in (query or {}).items()},
        "body": text,
    }


@dataclass(slots=True)
class _Kind:
    """What is measured: ``ours`` and ``theirs`` make the next request, ``share`` is what of it the figure is about."""

    name: str
    bar: float | None
    batch: int
    ours: Callable[[Service], Event]
    theirs: Callable[[], Sent]
    share: float = 1.0
    charted: str = ""
    """Its name in the chart, if it is in it."""
    spent: list[tuple[float, float]] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float]:
        ours, theirs = (median(side) * self.share for side in zip(*self.spent, strict=True))
        return ours, theirs


def measure(stage: Stage) -> Section:
    users = stage.scratch()
    with start_peer() as other:
        other.load(range(users.number))
        kinds = _build_kinds(stage, users, other)
        collect_garbage()
        for number in range(stage.scale.rounds + 1):
            _take_turns(kinds, Service(users.table, silent=True), other, keep=number > 0)
    rows = [_build_row(kind) for kind in kinds]
    floor = _measure_floor(stage)
    picture, points = _measure_by_number_of_users(stage)
    blocks = {"cpu": format_verdicts(rows), "cpu-floor": floor, "cpu-users": points}
    return Section(rows, blocks, {"cpu.svg": picture})


def _build_kinds(stage: Stage, users: PrefilledTable, other: Peer) -> list[_Kind]:
    scale = stage.scale
    sample, ids = itertools.cycle(users.sample), itertools.cycle(other.ids)
    page: dict[str, object] = {"startIndex": 1, "count": scale.page}
    projected = page | {"attributes": operations.ATTRIBUTES}
    filtered: dict[str, object] = {"filter": population.COMMON_FILTER, "count": scale.page}
    alone: dict[str, object] = {"filter": population.NOBODY, "count": scale.page}
    new = itertools.count(900_000)
    return [
        _Kind(
            "create", _WRITE_BAR, scale.batch,
            operations.create,
            lambda: build_sent_request("POST", "/Users", population.user(next(new))),
        ),
        _Kind(
            "GET", _WRITE_BAR, scale.batch * 2,
            lambda service: operations.get(service, next(sample)),
            lambda: build_sent_request("GET", f"/Users/{next(ids)}"),
            charted="GET",
        ),
        _Kind(
            "PATCH of three operations", _WRITE_BAR, scale.batch,
            lambda service: operations.patch(service, next(sample)),
            lambda: build_sent_request("PATCH", f"/Users/{next(ids)}", population.patch(next(new))),
        ),
        _Kind(
            f"page of {scale.page}", _PAGE_BAR, 2,
            lambda service: operations.query(service, page),
            lambda: build_sent_request("GET", "/Users", query=page),
            charted=f"page of {scale.page}",
        ),
        _Kind(
            f"page of {scale.page} with attributes=", _ATTRIBUTES_BAR, 2,
            lambda service: operations.query(service, projected),
            lambda: build_sent_request("GET", "/Users", query=projected),
        ),
        _Kind(
            "filter that finds every tenth, per user walked", _FILTER_BAR, 2,
            lambda service: operations.query(service, filtered),
            lambda: build_sent_request("GET", "/Users", query=filtered),
            share=1 / users.number,
            charted="unindexed filter",
        ),
        _Kind(
            "filter that finds nobody, per user walked", None, 2,
            lambda service: operations.query(service, alone),
            lambda: build_sent_request("GET", "/Users", query=alone),
            share=1 / users.number,
        ),
    ]  # fmt: skip


def _take_turns(kinds: Sequence[_Kind], service: Service, other: Peer, *, keep: bool) -> None:
    for kind in kinds:
        ours = _own_turn(kind, service)
        theirs, _ = other.turn([kind.theirs() for _ in range(kind.batch)])
        if keep:
            kind.spent.append((ours, theirs))


def _own_turn(kind: _Kind, service: Service) -> float:
    calls = service.calls(lambda: kind.ours(service))
    events = [kind.ours(service) for _ in range(kind.batch * _MORE_OF_OURS)]
    with replay_calls(calls), measure_src_scim() as spent:
        whole = measure_cost(lambda: [service(event) for event in events]).cpu
    kind.whole.append(whole / len(events))
    return sum(spent) / len(events)


def _build_row(kind: _Kind) -> Row:
    ours, theirs = kind.medians
    whole = format_duration(median(kind.whole) * kind.share)
    name = f"CPU of src/scim: {kind.name}"
    return Row(
        name,
        ours / theirs,
        kind.bar,
        format_duration(ours),
        f"{format_duration(theirs)} scim2-server (handler {whole})",
    )


def _measure_floor(stage: Stage) -> str:
    """Return the CPU of powertools and botocore besides our code: no service that uses them takes less."""
    scale = stage.scale
    logger = Logger(service="floor", use_rfc3339=True)
    line: dict[str, Any] = {
        "request_id": "a" * 16,
        "method": "GET",
        "tenant": "acme",
        "operation": "GET User",
        "status": 200,
        "ms": 1.5,
    }
    logged = median(measure_cost(lambda: logger.info("request", **line)).cpu for _ in range(scale.batch * scale.rounds))
    pair = stage.pair()
    lockstep = Lockstep(pair.table, pair.twins[0])
    service, users = lockstep.service, itertools.cycle(reversed(pair.sample))
    kinds: list[tuple[str, Callable[[], Event]]] = [
        ("GET", lambda: operations.get(service, next(users))),
        ("create", lambda: operations.create(service)),
        ("PATCH of three operations", lambda: operations.patch(service, next(users))),
        (f"page of {scale.page}", lambda: operations.query(service, {"startIndex": 1, "count": scale.page})),
    ]
    lines: list[list[str]] = [["powertools, a log line", format_duration(logged)]]
    for name, event in kinds:
        bare = find_median_cost(lockstep.turn(event())[1] for _ in range(scale.batch * 2))
        lines.append([f"botocore, the calls of a {name}", format_duration(bare.cpu)])
    return format_table(["beside our code", "CPU"], lines)


def _measure_by_number_of_users(stage: Stage) -> tuple[str, str]:
    """Return the CPU by the number of users, as a chart and a table."""
    lines: dict[str, Line] = {}
    with start_peer() as other:
        loaded = 0
        for number in stage.scale.peer_users:
            other.load(range(loaded, number))
            loaded = number
            users = stage.users(number)
            kinds = [kind for kind in _build_kinds(stage, users, other) if kind.charted]
            for turn in range(_CHART_ROUNDS + 1):
                _take_turns(kinds, Service(users.table, silent=True), other, keep=turn > 0)
            for kind in kinds:
                kind.share = 1.0
                for side, value in zip(("ours", "scim2-server"), kind.medians, strict=True):
                    name = f"{kind.charted}, {side}"
                    line = lines.setdefault(name, Line(name, [], dashed=side != "ours"))
                    line.points.append((number, value * MS))
    drawn = list(lines.values())
    return draw_chart("CPU of a request, in memory", "users", "ms", drawn), build_table(drawn)
