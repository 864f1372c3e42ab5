"""The requests that are measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bench import population
from bench.prefill import User
from bench.service import Service

Event = Mapping[str, Any]
Next = Callable[[], Event]

ATTRIBUTES = "userName,emails,active"
_NEW = itertools.count(500_000)  # numbers of users that nobody has created yet


def get(service: Service, user: User) -> Event:
    return service.event("GET", f"/Users/{user.id}")


def look_up(service: Service, attribute: str, value: str) -> Event:
    return query(service, {"filter": f'{attribute} eq "{value}"'})


def query(service: Service, parameters: Mapping[str, object], agent: str = "bench/1.0") -> Event:
    text = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
    return service.event("GET", f"/Users?{text}", agent=agent)


def create(service: Service) -> Event:
    """Another user each time."""
    return service.event("POST", "/Users", population.user(next(_NEW)))


def patch(service: Service, user: User) -> Event:
    """Three operations that change something each time."""
    return service.event("PATCH", f"/Users/{user.id}", population.patch(next(_NEW)))


def replace(service: Service, user: User) -> Event:
    """As identity providers do it: everything is sent, one attribute has changed."""
    body = population.user(user.number) | {"title": f"Head of Projects {next(_NEW)}"}
    return service.event("PUT", f"/Users/{user.id}", body)


def delete(service: Service, user: User) -> Event:
    return service.event("DELETE", f"/Users/{user.id}")


def agents() -> Iterator[str]:
    """Clients that have never asked before: none of them finds a bookmark."""
    return (f"bench/{number}" for number in itertools.count(1))
