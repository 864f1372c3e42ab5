"""Build the requests that are measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bench import population
from bench.prefill import User
from bench.service import Service

Event = Mapping[str, Any]
"""An event of API Gateway."""
Next = Callable[[], Event]

ATTRIBUTES = "userName,emails,active"
_NEW = itertools.count(500_000)  # numbers of users that do not exist yet


def get(service: Service, user: User) -> Event:
    """Return a GET of a user by id."""
    return service.event("GET", f"/Users/{user.id}")


def look_up(service: Service, attribute: str, value: str) -> Event:
    """Return a query with the filter ``attribute eq "value"``."""
    return query(service, {"filter": f'{attribute} eq "{value}"'})


def query(service: Service, parameters: Mapping[str, object], agent: str = "bench/1.0") -> Event:
    """Return a query with these parameters. ``agent`` is the ``User-Agent``, by which bookmarks are stored."""
    text = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
    return service.event("GET", f"/Users?{text}", agent=agent)


def create(service: Service) -> Event:
    """Return a request that creates a new user, a different one in each call."""
    return service.event("POST", "/Users", population.user(next(_NEW)))


def patch(service: Service, user: User) -> Event:
    """Return a PATCH of three operations. It changes the user, because the values differ in each call."""
    return service.event("PATCH", f"/Users/{user.id}", population.patch(next(_NEW)))


def replace(service: Service, user: User) -> Event:
    """Return a PUT as identity providers send it: it has all attributes, one of them with a new value."""
    body = population.user(user.number) | {"title": f"Head of Projects {next(_NEW)}"}
    return service.event("PUT", f"/Users/{user.id}", body)


def delete_new_user(service: Service) -> Event:
    """Create a user, and return the request that deletes it."""
    created = service(create(service))
    return service.event("DELETE", "/Users/" + created["headers"]["Location"].rpartition("/")[2])


def iterate_new_agents() -> Iterator[str]:
    """Yield new values of ``User-Agent``, so that the client has no bookmark yet."""
    return (f"bench/{number}" for number in itertools.count(1))
