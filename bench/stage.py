"""What the parts of a run share: their scale, and the tables, which are created when they are first needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.prefill import PrefilledTable, prefill_listed_table, prefill_tables


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    ``full`` is what docs/contribute/performance.md shows, ``quick`` only tries that everything runs.
    """

    users: Sequence[int]
    """The sizes of the tables, ascending."""
    peer_users: Sequence[int]
    """The sizes at which peers, which keep all in memory, are compared for the charts."""
    page: int
    rounds: int
    bulks: int
    """Rounds of what takes seconds a time."""
    walks: int
    """Rounds of what takes a quarter of a minute a time."""
    batch: int
    """Requests of one kind a turn."""
    bulk: int
    listed: Sequence[int]
    """The sizes of the tables of which only pages are read, ascending."""

    @property
    def fewest(self) -> int:
        return self.users[0]

    @property
    def most(self) -> int:
        return self.users[-1]


FULL = Scale(
    (1_000, 10_000, 100_000),
    (100, 1_000, 10_000),
    page=100,
    rounds=15,
    bulks=5,
    walks=3,
    batch=20,
    bulk=1_000,
    listed=(100, 1_000_000),
)
QUICK = Scale((30, 60, 120), (10, 20), page=10, rounds=2, bulks=1, walks=1, batch=2, bulk=10, listed=(20, 300))


class Stage:
    def __init__(self, scale: Scale, directory: Path, running: ExitStack) -> None:
        """``running`` ends everything that is started."""
        self.scale = scale
        self._directory = directory
        self._running = running
        self._tables: dict[str, PrefilledTable] = {}

    def users(self, number: int) -> PrefilledTable:
        """Return a table with this number of users, for reading. Few users are added."""
        return self._table("users", number, 1)

    def pair(self) -> PrefilledTable:
        """Return a table with the fewest users, to which we write, and a twin, to which bare boto3 writes the same."""
        return self._table("pair", self.scale.fewest, 2)

    def scratch(self) -> PrefilledTable:
        """Return a table with about the fewest users, for any requests."""
        return self._table("scratch", self.scale.fewest, 1)

    def empty_pair(self) -> PrefilledTable:
        return self._table("bulk", 0, 2)

    def listed(self, number: int) -> AbstractContextManager[PrefilledTable]:
        """Provide a table with this number of listed users until the end of the block: the largest take gigabytes."""
        name = f"muster-listed-{number}"
        return prefill_listed_table(self.directory(name), number, name)

    def directory(self, name: str) -> Path:
        """Create a directory that is deleted after the run."""
        directory = self._directory / name
        directory.mkdir()
        return directory

    def _table(self, kind: str, number: int, copies: int) -> PrefilledTable:
        name = f"muster-{kind}-{number}"
        if name not in self._tables:
            tables = [f"{name}-{'ab'[copy]}" for copy in range(copies)]
            self._tables[name] = self._running.enter_context(prefill_tables(self.directory(name), number, tables))
        return self._tables[name]
