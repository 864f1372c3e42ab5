"""Compare the CPU time of ``src/scim``, from the decoded event to the encoded response, with scim2-server's service.

Requests go through the whole handler, with recorded DynamoDB responses and without log lines. The clock runs only
inside ``src/scim``: authentication, parsing the body, the use case, and rendering. The whole handler, powertools and
botocore are measured separately.
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
from bench.context import BenchContext
from bench.environment import PEERS, ROOT
from bench.handler import HandlerComparison
from bench.measure import MS, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import Service
from bench.wire import replay_calls
from local.errors import LocalRunError
from scim.auth.authentication import Authenticator
from scim.service.resources.crud import ResourceService
from scim.service.resources.search import ResourceSearch

_PEER = ROOT / ".venv-bench/bin/python"
_WRITE_LIMIT, _PAGE_LIMIT, _ATTRIBUTES_LIMIT, _FILTER_LIMIT = 1 / 8, 1 / 100, 1 / 20, 1 / 10
_BATCH_SIZE = 50
_CHART_ROUNDS = 3
# Muster gets ten times as many requests. With fewer, the time to fill the processor's caches would dominate.
_OWN_REQUEST_FACTOR = 10

PeerRequest = dict[str, Any]
"""A request in the format of ``bench/peers/scim2.py``."""

# The functions of src/scim that the handlers call for a request about users.
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
def measure_own_code() -> Iterator[list[float]]:
    """Collect the CPU seconds of each call from the handlers into ``src/scim`` in the block."""
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
        for owner, name in _ENTRIES:
            replaced.enter_context(patch.object(owner, name, timed(getattr(owner, name))))
        yield spent


class Peer:
    """scim2-server in a separate process. ``ids`` are the ids of some of its users."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ids: list[str] = []

    def measure(self, requests: Sequence[PeerRequest]) -> tuple[float, Any]:
        """Send requests. Return the CPU seconds per request, and the last response."""
        if self._process.stdin is None or self._process.stdout is None:
            raise LocalRunError("scim2-server has no pipes")
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LocalRunError("scim2-server has stopped; see its error above")
        outcome = json.loads(line)
        return outcome["cpu"], outcome["response"]

    def load(self, numbers: range) -> None:
        """Create users, and keep some of their ids."""
        for first in range(numbers.start, numbers.stop, _BATCH_SIZE):
            batch = range(first, min(first + _BATCH_SIZE, numbers.stop))
            _, last = self.measure([build_peer_request("POST", "/Users", population.user(number)) for number in batch])
            self.ids.append(last["id"])
        self.measure([])


@contextmanager
def start_peer() -> Iterator[Peer]:
    """Start scim2-server, and stop it at the end of the block. Raise :class:`LocalRunError` if it is not installed."""
    if not _PEER.exists():
        raise LocalRunError("scim2-server is not installed; run make bench, which installs it")
    command = [str(_PEER), str(PEERS / "scim2.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        try:
            yield Peer(process)
        finally:
            process.kill()


def build_peer_request(
    method: str, path: str, body: Any = None, query: Mapping[str, object] | None = None
) -> PeerRequest:
    """Return a request for :meth:`Peer.measure`."""
    text = "" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {
        "method": method,
        "path": path,
        "query": {name: str(value) for name, value in (query or {}).items()},
        "body": text,
    }


@dataclass(slots=True)
class _RequestKind:
    """A kind of request to measure.

    ``ours`` and ``theirs`` build the next request for Muster and for the peer. The measured time is multiplied by
    ``share``, which is 1 divided by the number of users for a time per user.
    """

    name: str
    limit: float | None
    batch: int
    ours: Callable[[Service], Event]
    theirs: Callable[[], PeerRequest]
    share: float = 1.0
    chart_label: str = ""
    """The label in the chart. Empty: it is not in the chart."""
    spent: list[tuple[float, float]] = field(default_factory=list)
    """The CPU seconds per request, of Muster and of the peer, for each round."""
    whole: list[float] = field(default_factory=list)
    """The CPU seconds per request of the whole handler, for each round."""

    @property
    def medians(self) -> tuple[float, float]:
        """Return the median CPU seconds of Muster and of the peer, multiplied by ``share``."""
        ours, theirs = (median(side) * self.share for side in zip(*self.spent, strict=True))
        return ours, theirs


def measure(context: BenchContext) -> Section:
    users = context.scratch()
    with start_peer() as other:
        other.load(range(users.number))
        kinds = _build_kinds(context, users, other)
        collect_garbage()
        for number in range(context.scale.rounds + 1):
            _measure_in_turn(kinds, Service(users.table, silent=True), other, keep=number > 0)
    rows = [_build_row(kind) for kind in kinds]
    floor = _measure_floor(context)
    picture, points = _measure_by_number_of_users(context)
    blocks = {"cpu": format_verdicts(rows), "cpu-floor": floor, "cpu-users": points}
    return Section(rows, blocks, {"cpu.svg": picture})


def _build_kinds(context: BenchContext, users: PrefilledTable, other: Peer) -> list[_RequestKind]:
    scale = context.scale
    sample, ids = itertools.cycle(users.sample), itertools.cycle(other.ids)
    page: dict[str, object] = {"startIndex": 1, "count": scale.page}
    projected = page | {"attributes": operations.ATTRIBUTES}
    filtered: dict[str, object] = {"filter": population.TENTH_FILTER, "count": scale.page}
    unmatched: dict[str, object] = {"filter": population.EMPTY_FILTER, "count": scale.page}
    new = itertools.count(900_000)
    return [
        _RequestKind(
            "create", _WRITE_LIMIT, scale.batch,
            operations.create,
            lambda: build_peer_request("POST", "/Users", population.user(next(new))),
        ),
        _RequestKind(
            "GET", _WRITE_LIMIT, scale.batch * 2,
            lambda service: operations.get(service, next(sample)),
            lambda: build_peer_request("GET", f"/Users/{next(ids)}"),
            chart_label="GET",
        ),
        _RequestKind(
            "PATCH of three operations", _WRITE_LIMIT, scale.batch,
            lambda service: operations.patch(service, next(sample)),
            lambda: build_peer_request("PATCH", f"/Users/{next(ids)}", population.patch(next(new))),
        ),
        _RequestKind(
            f"page of {scale.page}", _PAGE_LIMIT, 2,
            lambda service: operations.query(service, page),
            lambda: build_peer_request("GET", "/Users", query=page),
            chart_label=f"page of {scale.page}",
        ),
        _RequestKind(
            f"page of {scale.page} with attributes=", _ATTRIBUTES_LIMIT, 2,
            lambda service: operations.query(service, projected),
            lambda: build_peer_request("GET", "/Users", query=projected),
        ),
        _RequestKind(
            "filter that matches every tenth user, per user read", _FILTER_LIMIT, 2,
            lambda service: operations.query(service, filtered),
            lambda: build_peer_request("GET", "/Users", query=filtered),
            share=1 / users.number,
            chart_label="unindexed filter",
        ),
        _RequestKind(
            "filter that matches no user, per user read", None, 2,
            lambda service: operations.query(service, unmatched),
            lambda: build_peer_request("GET", "/Users", query=unmatched),
            share=1 / users.number,
        ),
    ]  # fmt: skip


def _measure_in_turn(kinds: Sequence[_RequestKind], service: Service, other: Peer, *, keep: bool) -> None:
    """Measure one round of each kind, Muster and the peer in turn. ``keep`` is false for the warm-up round."""
    for kind in kinds:
        ours = _measure_own(kind, service)
        theirs, _ = other.measure([kind.theirs() for _ in range(kind.batch)])
        if keep:
            kind.spent.append((ours, theirs))


def _measure_own(kind: _RequestKind, service: Service) -> float:
    """Return the CPU seconds of ``src/scim`` per request, and record those of the whole handler."""
    calls = service.calls(lambda: kind.ours(service))
    events = [kind.ours(service) for _ in range(kind.batch * _OWN_REQUEST_FACTOR)]
    with replay_calls(calls), measure_own_code() as spent:
        whole = measure_cost(lambda: [service(event) for event in events]).cpu
    kind.whole.append(whole / len(events))
    return sum(spent) / len(events)


def _build_row(kind: _RequestKind) -> Row:
    ours, theirs = kind.medians
    whole = format_duration(median(kind.whole) * kind.share)
    name = f"CPU of src/scim: {kind.name}"
    return Row(
        name,
        ours / theirs,
        kind.limit,
        format_duration(ours),
        f"{format_duration(theirs)} scim2-server (handler {whole})",
    )


def _measure_floor(context: BenchContext) -> str:
    """Return a table of the CPU time of powertools and botocore: the minimum of any service that uses them."""
    scale = context.scale
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
    pair = context.pair()
    comparison = HandlerComparison(pair.table, pair.copies[0])
    service, users = comparison.service, itertools.cycle(reversed(pair.sample))
    kinds: list[tuple[str, Callable[[], Event]]] = [
        ("GET", lambda: operations.get(service, next(users))),
        ("create", lambda: operations.create(service)),
        ("PATCH of three operations", lambda: operations.patch(service, next(users))),
        (f"page of {scale.page}", lambda: operations.query(service, {"startIndex": 1, "count": scale.page})),
    ]
    lines: list[list[str]] = [["powertools, a log line", format_duration(logged)]]
    for name, event in kinds:
        bare = find_median_cost(comparison.measure(event())[1] for _ in range(scale.batch * 2))
        lines.append([f"botocore, the calls of a {name}", format_duration(bare.cpu)])
    return format_table(["outside our code", "CPU"], lines)


def _measure_by_number_of_users(context: BenchContext) -> tuple[str, str]:
    """Return the CPU time by number of users, as a chart and a table."""
    lines: dict[str, Line] = {}
    with start_peer() as other:
        loaded = 0
        for number in context.scale.peer_users:
            other.load(range(loaded, number))
            loaded = number
            users = context.users(number)
            kinds = [kind for kind in _build_kinds(context, users, other) if kind.chart_label]
            for turn in range(_CHART_ROUNDS + 1):
                _measure_in_turn(kinds, Service(users.table, silent=True), other, keep=turn > 0)
            for kind in kinds:
                kind.share = 1.0
                for side, value in zip(("Muster", "scim2-server"), kind.medians, strict=True):
                    name = f"{kind.chart_label}, {side}"
                    line = lines.setdefault(name, Line(name, [], dashed=side != "Muster"))
                    line.points.append((number, value * MS))
    drawn = list(lines.values())
    return draw_chart("CPU of a request, in memory", "users", "ms", drawn), build_table(drawn)
