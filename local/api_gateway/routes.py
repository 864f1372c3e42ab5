"""Which route serves a request: as literally as an HTTP API matches.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

DEFAULT = "$default"

_VARIABLE = re.compile(r"\{([A-Za-z0-9._:-]+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    """A route key, ``METHOD /path/{variable}/{greedy+}`` or ``$default``, and the function that it leads to."""

    key: str
    function: str

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]

    @property
    def greedy(self) -> bool:
        return self.path.endswith("+}")

    @property
    def precedence(self) -> tuple[bool, bool, list[int]]:
        """Sorts first what the gateway prefers.

        Documented: a full match before a greedy one, and a literal segment before a variable. That an exact method
        comes before ``ANY``, and before the comparison of the segments, is what the service was observed to do.
        """
        variables = [len(_VARIABLE.findall(segment)) for segment in self.path.split("/")]
        return self.greedy, self.method == "ANY", variables

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's variables if this route takes the request, else nothing. ``$default`` takes every request."""
        if self.key == DEFAULT:
            return {}
        if self.method not in ("ANY", method):
            return None
        found = self._pattern.fullmatch(path)
        return dict(zip(self._names, found.groups(), strict=True)) if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """A variable is one segment that is not empty; a greedy one is all that is left, and not empty either."""
        literals = _VARIABLE.split(self.path)
        parts = [re.escape(literal) for literal in literals[::3]]
        for index, plus in enumerate(literals[2::3]):
            parts[index] += "(.+)" if plus else "([^/]+)"
        return re.compile("".join(parts), re.DOTALL)

    @cached_property
    def _names(self) -> list[str]:
        return [name for name, _ in _VARIABLE.findall(self.path)]


@dataclass(frozen=True)
class Match:
    """The route that was selected for a request, with the values of its path variables."""

    route: Route
    variables: Mapping[str, str]


class Routes:
    """All routes of an API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = sorted(routes, key=lambda route: (route.key == DEFAULT, route.precedence))

    def select(self, method: str, path: str) -> Match | None:
        """The one route for a request to this decoded path, or nothing, which the gateway answers with 404."""
        for route in self._routes:
            variables = route.match(method, path)
            if variables is not None:
                return Match(route, variables)
        return None
