"""Collects checks of a client library, so that one failed check does not hide the next ones."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.judges.verdict import Check


class Checks:
    """The checks of a client library. A check that runs for each user is one check."""

    def __init__(self) -> None:
        self._problems: dict[str, Counter[str]] = {}

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Record a check that passes unless the block raises an exception."""
        problems = self._problems.setdefault(name, Counter())
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever the client or an assertion raises is the complaint
            problems[f"{type(error).__name__}: {error}"] += 1

    def list(self) -> list[Check]:
        """Return a check for each name, with its first problem and the number of all its problems."""
        return [Check(name, _describe(problems)) for name, problems in self._problems.items()]


def _describe(problems: Counter[str]) -> str:
    if not problems:
        return ""
    first = next(iter(problems))
    return first if problems.total() == 1 else f"{first} (and {problems.total() - 1} more)"
