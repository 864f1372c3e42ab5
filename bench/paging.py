"""Build requests for pages, with the requests that a client sends before them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import operations
from bench.operations import Event
from bench.service import Service

_AGENTS = operations.iterate_new_agents()
_RANDOM = random.Random(7644)  # noqa: S311  # a fixed seed: the same indexes in every run


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A sequence of page requests by one client. Only the last request is measured.

    ``starts`` returns their values of ``startIndex``. ``sort`` is ``sortBy``, empty for none.
    """

    name: str
    starts: Callable[[int, int], Sequence[int]]
    """Called with the number of users and the page size."""
    sort: str = ""

    def bind(self, service: Service, page: int) -> Callable[[], Event]:
        """Return a function that calls :meth:`prepare` with these arguments."""
        return lambda: self.prepare(service, page)

    def prepare(self, service: Service, page: int) -> Event:
        """Send all requests except the last, as a new client, and return the last one."""
        total = service.send("GET", "/Users?count=0")["totalResults"]
        agent = next(_AGENTS)
        *before, last = (self._event(service, agent, start, page) for start in self.starts(total, page))
        for event in before:
            service(event)
        return last

    def _event(self, service: Service, agent: str, start: int, page: int) -> Event:
        order = {"sortBy": self.sort} if self.sort else {}
        return operations.query(service, {"startIndex": start, "count": page, **order}, agent)


def find_last(total: int, page: int) -> int:
    """Return the ``startIndex`` of the last page."""
    return (total - 1) // page * page + 1


def _draw_start(total: int, page: int) -> int:
    """Return a random ``startIndex`` of a full page. The number of resources read to find a page depends on it."""
    return _RANDOM.randint(2, total - page + 1)


FIRST = PageRequest("first page", lambda _, __: [1])
CONTINUED = PageRequest("continued page", lambda _, page: [1, page + 1])
JUMPED = PageRequest("jumped-to page", lambda total, page: [_draw_start(total, page)])
LAST = PageRequest("last page, continued", lambda total, page: [find_last(total, page) - page, find_last(total, page)])
LAST_JUMPED = PageRequest("last page, jumped to", lambda total, page: [find_last(total, page)])
IN_ORDER = (FIRST, CONTINUED, JUMPED, LAST, LAST_JUMPED)
JUMPED_BY_USER_NAME = PageRequest(
    "jumped-to page by userName", lambda total, page: [_draw_start(total, page)], "userName"
)
BY_USER_NAME = (
    PageRequest("first page by userName", lambda _, __: [1], "userName"),
    PageRequest("continued page by userName", lambda _, page: [1, page + 1], "userName"),
    JUMPED_BY_USER_NAME,
)
