"""Compare ``make run`` with scimmy over HTTP on one machine.

The setups differ: a request to Muster passes through a gateway, the process of a function, and a database on disk.
scimmy keeps its users in memory.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from bench import population
from bench.chart import Line, build_table, draw_chart
from bench.context import BenchContext
from bench.environment import PEERS
from bench.local_run import run_prefilled
from bench.measure import MS, format_duration
from bench.result import Row, Section, format_verdicts
from bench.service import BASE
from local.constants import HOST
from local.errors import LocalRunError
from local.services.server_process import ServerProcess

_SCIMMY = PEERS / "scimmy"
_LIMITS = {"GET": 1.6, "userName eq": 0.08, "page of 100": 1.2, "unindexed filter": 7.0}
"""The limits with the largest number of users."""

Send = Callable[[], None]


@dataclass(slots=True)
class Client:
    """An HTTP client with one open connection to a service.

    ``ids`` are the ids of some of its users. ``created`` are the ids of the users that this client has created.
    """

    connection: HTTPConnection
    token: str
    ids: Sequence[str]
    created: list[str] = field(default_factory=list)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the parsed body of the response. Raise :class:`LocalRunError`."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        content = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.connection.request(method, BASE + path, content, headers)
        response = self.connection.getresponse()
        response_body = response.read()
        if response.status >= 300:
            raise LocalRunError(f"{method} {path} over HTTP: {response.status} {response_body.decode()[:300]}")
        return json.loads(response_body) if response_body else None

    def create(self, number: int) -> None:
        """Create the user with this number."""
        self.created.append(self.request("POST", "/Users", population.user(number))["id"])

    def delete_created(self) -> None:
        """Delete the users that were created, so that the number of users stays the same."""
        while self.created:
            self.request("DELETE", f"/Users/{self.created.pop()}")


def measure(context: BenchContext) -> Section:
    lines: dict[str, Line] = {}
    rows = []
    for number in context.scale.peer_users:
        for name, (ours, theirs) in _measure_medians(context, number).items():
            for side, value in (("Muster", ours), ("scimmy", theirs)):
                line = lines.setdefault(f"{name}, {side}", Line(f"{name}, {side}", dashed=side == "scimmy"))
                line.points.append((number, value * MS))
            rows.append(
                Row(
                    f"HTTP, {number:,} users: {name}",
                    ours / theirs,
                    _LIMITS.get(name) if number == max(context.scale.peer_users) else None,
                    format_duration(ours),
                    f"{format_duration(theirs)} scimmy",
                )
            )
    drawn = list(lines.values())
    picture = draw_chart("A request over HTTP on one machine", "users", "ms", drawn)
    return Section(rows, {"http": format_verdicts(rows), "http-users": build_table(drawn)}, {"http.svg": picture})


def _measure_medians(context: BenchContext, number: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each kind of request, for Muster and scimmy, measured in turn."""
    spent: dict[str, tuple[list[float], list[float]]] = {}
    with ExitStack() as running:
        clients = [
            running.enter_context(_run_ours(context.directory(f"http-{number}"), number)),
            running.enter_context(_run_scimmy(context.directory(f"scimmy-{number}"), number)),
        ]
        sides = [_build_requests(client, context.scale.page) for client in clients]
        for turn in range(context.scale.rounds + 1):
            for name in sides[0]:
                times = spent.setdefault(name, ([], []))
                for side, kinds in enumerate(sides):
                    durations = [_measure_time(kinds[name]) for _ in range(context.scale.batch // 2)]
                    times[side].extend(durations if turn else [])
            for client in clients:
                client.delete_created()
    return {name: (median(ours), median(theirs)) for name, (ours, theirs) in spent.items()}


def _build_requests(client: Client, page: int) -> dict[str, Send]:
    ids, new = itertools.cycle(client.ids), itertools.count(700_000)
    numbers = itertools.cycle(range(len(client.ids)))

    def query(text: str) -> str:
        return f"/Users?filter={quote(text)}&startIndex=1&count={page}"

    return {
        "GET": lambda: client.request("GET", f"/Users/{next(ids)}"),
        "create": lambda: client.create(next(new)),
        "PATCH": lambda: client.request("PATCH", f"/Users/{next(ids)}", population.patch(next(new))),
        "userName eq": lambda: client.request("GET", query(f'userName eq "{population.user_name(next(numbers))}"')),
        f"page of {page}": lambda: client.request("GET", f"/Users?startIndex=1&count={page}"),
        "unindexed filter": lambda: client.request("GET", query(population.TENTH_FILTER)),
    }


def _measure_time(send: Send) -> float:
    started = time.perf_counter()
    send()
    return time.perf_counter() - started


@contextmanager
def _run_ours(directory: Path, number: int) -> Iterator[Client]:
    with run_prefilled(directory, number) as run:
        yield Client(HTTPConnection(HOST, run.port), run.connection.token, [user.id for user in run.sample])


@contextmanager
def _run_scimmy(directory: Path, number: int) -> Iterator[Client]:
    with ServerProcess("scimmy", ["node", str(_SCIMMY / "server.mjs"), "{port}"], directory / "scimmy") as child:
        child.wait()
        client = Client(HTTPConnection(HOST, child.port), "bench", [])
        bodies = map(population.user, range(number))
        client.ids = [client.request("POST", "/Users", body)["id"] for body in bodies]
        yield client
