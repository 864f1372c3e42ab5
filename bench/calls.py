"""Count the calls to DynamoDB for each kind of request, in tables of all sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from bench import operations
from bench.context import BenchContext
from bench.operations import Event
from bench.paging import BY_USER_NAME, IN_ORDER, JUMPED_BY_USER_NAME
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table
from bench.service import RequestFailed, Service

_LOOK_UP_LIMIT, _PAGE_LIMIT, _BY_USER_NAME_LIMIT = 2, 3, 6


def measure(context: BenchContext) -> Section:
    counts: dict[str, tuple[int | None, list[float]]] = {}
    for number in context.scale.users:
        users = context.users(number)
        service = Service(users.table)
        for name, limit, event in _build_requests(service, users, context.scale.page):
            counts.setdefault(name, (limit, []))[1].append(_count_calls(service, event))
    sizes = [f"{number:,}" for number in context.scale.users]
    among = f"at {', '.join(sizes)} users"
    rows = [
        Row(f"calls: {name}", max(by_size), limit, ", ".join(map(_format_count, by_size)), among)
        for name, (limit, by_size) in counts.items()
    ]
    differing = [name for name, (limit, by_size) in counts.items() if limit is not None and len(set(by_size)) > 1]
    rows.append(Row("calls: kinds of requests that need more calls in a larger tenant", len(differing), 0))
    lines = [
        [name, *map(_format_count, by_size), "" if limit is None else limit]
        for name, (limit, by_size) in counts.items()
    ]
    return Section(rows, {"calls": format_table(["calls, by number of users", *sizes, "limit"], lines)})


def _count_calls(service: Service, event: Callable[[], Event]) -> float:
    """Return the number of calls of a request. Return infinity if the server rejects it, such as a long scan."""
    try:
        return len(service.calls(event))
    except RequestFailed:
        return math.inf


def _format_count(count: float) -> str:
    return f"{count:.0f}" if math.isfinite(count) else "rejected"


def _build_requests(
    service: Service, users: PrefilledTable, page: int
) -> list[tuple[str, int | None, Callable[[], Event]]]:
    """Return each kind of request: its name, its maximum number of calls or ``None``, and a function that builds it."""
    user, other = users.sample[0], users.sample[1]

    return [
        ("GET", 1, lambda: operations.get(service, user)),
        ("userName eq", _LOOK_UP_LIMIT, lambda: operations.look_up(service, "userName", user.user_name)),
        ("externalId eq", _LOOK_UP_LIMIT, lambda: operations.look_up(service, "externalId", user.external_id)),
        ("emails.value eq", _LOOK_UP_LIMIT, lambda: operations.look_up(service, "emails.value", user.email)),
        *((request.name, _PAGE_LIMIT, request.bind(service, page)) for request in IN_ORDER),
        # Counters cannot locate an index in the order of userName. The keys before it are counted, 1 MB in each call.
        *(
            (
                request.name,
                None if request is JUMPED_BY_USER_NAME else _BY_USER_NAME_LIMIT,
                request.bind(service, page),
            )
            for request in BY_USER_NAME
        ),
        ("create", 1, partial(_build_after_delete, service, lambda: operations.create(service))),
        ("PATCH", 2, partial(_build_after_delete, service, lambda: operations.patch(service, other))),
        ("PUT", 2, partial(_build_after_delete, service, lambda: operations.replace(service, other))),
        ("DELETE", 2, partial(_build_after_delete, service, lambda: operations.delete_new_user(service))),
    ]


def _build_after_delete(service: Service, build: Callable[[], Event]) -> Event:
    """Delete a user, and then build a write.

    So the environment has permits of the rate limit and a count of deactivations. Most writes find both.
    """
    service.calls(lambda: operations.delete_new_user(service))
    return build()
