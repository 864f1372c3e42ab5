"""The scale and the tables that the parts of a run share. A table is created when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.prefill import PrefilledTable, prefill_listed_table, prefill_tables


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of users and of repetitions.

    ``FULL`` is for the figures in docs/contribute/performance.md. ``QUICK`` only checks that everything runs.
    """

    users: Sequence[int]
    """The sizes of the tables, ascending."""
    peer_users: Sequence[int]
    """The numbers of users at which other servers, which keep their users in memory, are compared."""
    page: int
    """The number of users in a page."""
    rounds: int
    """The number of rounds for most figures."""
    bulks: int
    """The number of bulk requests, each of which takes seconds."""
    scans: int
    """The number of scans, each of which takes about 15 seconds."""
    batch: int
    """The number of requests of one kind in a round."""
    bulk: int
    """The number of operations in a bulk request."""
    listed: Sequence[int]
    """The sizes of the tables from which only pages are read, ascending."""

    @property
    def fewest(self) -> int:
        """Return the size of the smallest table."""
        return self.users[0]

    @property
    def most(self) -> int:
        """Return the size of the largest table."""
        return self.users[-1]


FULL = Scale(
    (1_000, 10_000, 100_000),
    (100, 1_000, 10_000),
    page=100,
    rounds=15,
    bulks=5,
    scans=3,
    batch=20,
    bulk=1_000,
    listed=(100, 1_000_000),
)
QUICK = Scale((30, 60, 120), (10, 20), page=10, rounds=2, bulks=1, scans=1, batch=2, bulk=10, listed=(20, 300))


class BenchContext:
    """Provides the scale and the tables of a run."""

    def __init__(self, scale: Scale, directory: Path, running: ExitStack) -> None:
        """Use ``directory`` for all files. ``running`` stops the engines of the tables."""
        self.scale = scale
        self._directory = directory
        self._running = running
        self._tables: dict[str, PrefilledTable] = {}

    def users(self, number: int) -> PrefilledTable:
        """Return a table with this number of users, mainly for reading."""
        return self._table("users", number, 1)

    def pair(self) -> PrefilledTable:
        """Return a small table for writes by our handler, with a copy for the same writes by bare boto3."""
        return self._table("pair", self.scale.fewest, 2)

    def scratch(self) -> PrefilledTable:
        """Return a small table for any requests. The number of its users can change."""
        return self._table("scratch", self.scale.fewest, 1)

    def empty_pair(self) -> PrefilledTable:
        """Return a table without users, with a copy."""
        return self._table("bulk", 0, 2)

    def listed(self, number: int) -> AbstractContextManager[PrefilledTable]:
        """Provide a table for reading pages, until the end of the block. The largest one takes gigabytes."""
        name = f"muster-listed-{number}"
        return prefill_listed_table(self.directory(name), number, name)

    def directory(self, name: str) -> Path:
        """Create a directory, which is deleted after the run."""
        directory = self._directory / name
        directory.mkdir()
        return directory

    def _table(self, kind: str, number: int, copies: int) -> PrefilledTable:
        name = f"muster-{kind}-{number}"
        if name not in self._tables:
            tables = [f"{name}-{'ab'[copy]}" for copy in range(copies)]
            self._tables[name] = self._running.enter_context(prefill_tables(self.directory(name), number, tables))
        return self._tables[name]
