"""Select the route of a request. Like an HTTP API, this compares paths literally.

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
    """A route key, ``METHOD /path/{variable}/{greedy+}`` or ``$default``, and the name of its function."""

    key: str
    function: str

    @property
    def method(self) -> str:
        """The HTTP method or ``ANY``; ``$default`` for the default route."""
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path with its variables; empty for the default route."""
        return self.key.partition(" ")[2]

    @property
    def is_greedy(self) -> bool:
        """Whether the path ends with a variable that matches several segments."""
        return self.path.endswith("+}")

    @property
    def precedence(self) -> tuple[bool, bool, list[int]]:
        """The sort key: the gateway prefers routes with smaller keys.

        It prefers full matches to greedy ones, and literal segments to variables (documented). It prefers an exact
        method to ``ANY``, before it compares the segments (observed).
        """
        variables = [len(_VARIABLE.findall(segment)) for segment in self.path.split("/")]
        return self.is_greedy, self.method == "ANY", variables

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's variables if the route matches, else None. ``$default`` matches every request."""
        if self.key == DEFAULT:
            return {}
        if self.method not in ("ANY", method):
            return None
        match = self._pattern.fullmatch(path)
        return dict(zip(self._names, match.groups(), strict=True)) if match else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The path as a regular expression.

        A variable matches one segment and no empty string. A greedy variable matches the rest of the path. After a
        literal segment, the rest can be empty (reported: github.com/storacha/w3infra/pull/166).
        """
        rest = "(.+)" if self.path.startswith("/{") else "(.*)"
        literals = _VARIABLE.split(self.path)
        parts = [re.escape(literal) for literal in literals[::3]]
        for index, plus in enumerate(literals[2::3]):
            parts[index] += rest if plus else "([^/]+)"
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
        """Return the route for a request to a decoded path, or None: the gateway then responds with 404."""
        for route in self._routes:
            variables = route.match(method, path)
            if variables is not None:
                return Match(route, variables)
        return None
