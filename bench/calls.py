"""Calls to DynamoDB per request, in tables of all sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

from bench import operations
from bench.operations import Event
from bench.paging import BY_USER_NAME, IN_ORDER, JUMPED_BY_USER_NAME, PageRequest
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table
from bench.service import RequestFailed, Service
from bench.stage import Stage

_LOOK_UP_BAR, _PAGE_BAR, _BY_USER_NAME_BAR = 2, 3, 5


def measure(stage: Stage) -> Section:
    counts: dict[str, tuple[int | None, list[float]]] = {}
    for number in stage.scale.users:
        users = stage.users(number)
        service = Service(users.table)
        for name, bar, event in _build_requests(service, users, stage.scale.page):
            counts.setdefault(name, (bar, []))[1].append(_count(service, event))
    sizes = [f"{number:,}" for number in stage.scale.users]
    among = f"at {', '.join(sizes)} users"
    rows = [
        Row(f"calls: {name}", max(found), bar, ", ".join(map(_format_count, found)), among)
        for name, (bar, found) in counts.items()
    ]
    differing = [name for name, (bar, found) in counts.items() if bar is not None and len(set(found)) > 1]
    rows.append(Row("calls: kinds of requests that need more of them in a larger tenant", len(differing), 0))
    lines = [[name, *map(_format_count, found), "" if bar is None else bar] for name, (bar, found) in counts.items()]
    return Section(rows, {"calls": format_table(["calls at a number of users of", *sizes, "at most"], lines)})


def _count(service: Service, event: Callable[[], Event]) -> float:
    """Without an end where the request is refused, as a walk is that takes too long."""
    try:
        return len(service.calls(event))
    except RequestFailed:
        return math.inf


def _format_count(count: float) -> str:
    return f"{count:.0f}" if math.isfinite(count) else "refused"


def _build_requests(
    service: Service, users: PrefilledTable, page: int
) -> list[tuple[str, int | None, Callable[[], Event]]]:
    """What is counted, the most that it may be if that is fixed, and its requests."""
    user, other = users.sample[0], users.sample[1]

    def prepare_page(request: PageRequest) -> Callable[[], Event]:
        return lambda: request.prepare(service, page)

    def delete() -> Event:
        created = service(operations.create(service))
        return service.event("DELETE", "/Users/" + created["headers"]["Location"].rpartition("/")[2])

    return [
        ("GET", 1, lambda: operations.get(service, user)),
        ("userName eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "userName", user.user_name)),
        ("externalId eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "externalId", user.external_id)),
        ("emails.value eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "emails.value", user.email)),
        *((each.name, _PAGE_BAR, prepare_page(each)) for each in IN_ORDER),
        # Where in the order of names an index lies nothing tells: the keys before it are counted, 1 MB a call.
        *(
            (each.name, None if each is JUMPED_BY_USER_NAME else _BY_USER_NAME_BAR, prepare_page(each))
            for each in BY_USER_NAME
        ),
        ("create", 1, lambda: operations.create(service)),
        ("PATCH", 2, lambda: operations.patch(service, other)),
        ("PUT", 2, lambda: operations.replace(service, other)),
        ("DELETE", 2, delete),
    ]
