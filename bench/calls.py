"""Count the calls to DynamoDB per request, in tables of all sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

from bench import operations
from bench.operations import Event
from bench.paging import BY_USER_NAME, IN_ORDER, JUMPED_BY_USER_NAME
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
            counts.setdefault(name, (bar, []))[1].append(_count_calls(service, event))
    sizes = [f"{number:,}" for number in stage.scale.users]
    among = f"at {', '.join(sizes)} users"
    rows = [
        Row(f"calls: {name}", max(by_size), bar, ", ".join(map(_format_count, by_size)), among)
        for name, (bar, by_size) in counts.items()
    ]
    differing = [name for name, (bar, by_size) in counts.items() if bar is not None and len(set(by_size)) > 1]
    rows.append(Row("calls: kinds of requests that need more of them in a larger tenant", len(differing), 0))
    lines = [
        [name, *map(_format_count, by_size), "" if bar is None else bar] for name, (bar, by_size) in counts.items()
    ]
    return Section(rows, {"calls": format_table(["calls at a number of users of", *sizes, "at most"], lines)})


def _count_calls(service: Service, event: Callable[[], Event]) -> float:
    """Return the number of calls of a request: infinite if it is refused, such as a scan that takes too long."""
    try:
        return len(service.calls(event))
    except RequestFailed:
        return math.inf


def _format_count(count: float) -> str:
    return f"{count:.0f}" if math.isfinite(count) else "refused"


def _build_requests(
    service: Service, users: PrefilledTable, page: int
) -> list[tuple[str, int | None, Callable[[], Event]]]:
    """Return the name of each kind of request, the most calls that it may make, if there is a bar, and the request."""
    user, other = users.sample[0], users.sample[1]

    return [
        ("GET", 1, lambda: operations.get(service, user)),
        ("userName eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "userName", user.user_name)),
        ("externalId eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "externalId", user.external_id)),
        ("emails.value eq", _LOOK_UP_BAR, lambda: operations.look_up(service, "emails.value", user.email)),
        *((request.name, _PAGE_BAR, request.bind(service, page)) for request in IN_ORDER),
        # No counter leads to an index in the order of names: the keys before it are counted, 1 MB a call.
        *(
            (
                request.name,
                None if request is JUMPED_BY_USER_NAME else _BY_USER_NAME_BAR,
                request.bind(service, page),
            )
            for request in BY_USER_NAME
        ),
        ("create", 1, lambda: operations.create(service)),
        ("PATCH", 2, lambda: operations.patch(service, other)),
        ("PUT", 2, lambda: operations.replace(service, other)),
        ("DELETE", 2, lambda: operations.delete_new_user(service)),
    ]
