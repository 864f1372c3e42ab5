"""A file on the operator's machine with what the scan of a tenant has to remember: SQLite, so memory stays small.

It contains ids of users and hashes, but no names. Only the position in a step can contain a name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Self
from uuid import UUID

_CACHE_KIB = 65_536
_PARAMETERS = 500  # of one statement
_SCHEMA = """
CREATE TABLE IF NOT EXISTS expected (key INTEGER PRIMARY KEY, user BLOB);
CREATE TABLE IF NOT EXISTS identifiers (hash INTEGER, user BLOB, PRIMARY KEY (hash, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refs (referrer BLOB, hash INTEGER, target BLOB);
CREATE TABLE IF NOT EXISTS counters (sort_key TEXT PRIMARY KEY, counts TEXT, active INTEGER);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT);
"""
_SUSPICIOUS_LINKS = """
SELECT DISTINCT referrer FROM refs WHERE referrer > ? AND (
  (target IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identifiers i WHERE i.hash = refs.hash AND i.user = refs.target))
  OR (target IS NULL AND EXISTS (SELECT 1 FROM identifiers i WHERE i.hash = refs.hash))
) ORDER BY referrer
"""


def hash_item(sort_key: str, user_id: str) -> int:
    """Return a hash of 64 bits of a sort key and the id of its user. Of 10 million items, two collide rarely (1e-6)."""
    return int.from_bytes(blake2b(f"{sort_key}\n{user_id}".encode(), digest_size=8).digest(), signed=True)


def hash_text(text: str) -> int:
    """Return a hash of 64 bits of a text."""
    return hash_item(text, "")


class Scratch:
    """The scratch file. ``path`` is its path, or ``:memory:``. Changes are kept only by :meth:`save`."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_SCHEMA)
        rows = self._connection.execute("SELECT sort_key, counts, active FROM counters")
        self._counts = {sort_key: (int(counts), int(active)) for sort_key, counts, active in rows}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()

    def read_state(self, name: str) -> str:
        """Return a text of an earlier :meth:`save`, empty if there is none."""
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def save(self, **state: str) -> None:
        """Keep all changes since the last call, and some texts by name."""
        self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", state.items())
        # A packed number has up to 91 bits, too many for an integer of SQLite.
        counters = ((sort_key, str(counts), active) for sort_key, (counts, active) in self._counts.items())
        self._connection.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", counters)
        self._connection.commit()

    # Lookup items

    def expect(self, user_id: str, sort_keys: Iterable[str]) -> None:
        """Remember that a user must have lookup items or entries of the reference index with these sort keys."""
        user = _pack(user_id)
        rows = [(hash_item(sort_key, user_id), user) for sort_key in sort_keys]
        self._connection.executemany("INSERT OR IGNORE INTO expected VALUES (?, ?)", rows)

    def take_expected(self, hashes: Sequence[int]) -> set[int]:
        """Return which of the items (:func:`hash_item`) are expected, and do not expect them any more."""
        taken: set[int] = set()
        for first in range(0, len(hashes), _PARAMETERS):
            part = hashes[first : first + _PARAMETERS]
            marks = ",".join("?" * len(part))
            # S608: the text has only question marks from here; the keys are parameters.
            rows = self._connection.execute(f"SELECT key FROM expected WHERE key IN ({marks})", part)  # noqa: S608
            taken.update(row[0] for row in rows)
        self._connection.executemany("DELETE FROM expected WHERE key = ?", ((key,) for key in taken))
        return taken

    def count_expected(self) -> int:
        """Return the number of items that are still expected."""
        return int(self._connection.execute("SELECT COUNT(*) FROM expected").fetchone()[0])

    def take_users_with_missing_items(self, limit: int) -> list[str]:
        """Return the ids of at most ``limit`` users with items that are still expected, and do not expect these."""
        self._connection.execute("CREATE INDEX IF NOT EXISTS expected_users ON expected (user)")
        rows = self._connection.execute("SELECT DISTINCT user FROM expected LIMIT ?", (limit,)).fetchall()
        self._connection.executemany("DELETE FROM expected WHERE user = ?", rows)
        return [_unpack(row[0]) for row in rows]

    # Links

    def add_identifiers(self, user_id: str, hashes: Iterable[str]) -> None:
        """Remember the identifier hashes of a user."""
        user = _pack(user_id)
        rows = [(hash_text(identifier_hash), user) for identifier_hash in hashes]
        self._connection.executemany("INSERT OR IGNORE INTO identifiers VALUES (?, ?)", rows)

    def add_references(self, user_id: str, targets: Iterable[tuple[str, str | None]]) -> None:
        """Remember the references of a user: the hash of the identifier, and the id that its link leads to."""
        user = _pack(user_id)
        rows = [(user, hash_text(identifier_hash), _pack(to) if to else None) for identifier_hash, to in targets]
        self._connection.executemany("INSERT INTO refs VALUES (?, ?, ?)", rows)

    def list_suspicious_referrers(self, after: str) -> Iterator[str]:
        """Yield the ids of users whose links contradict the identifiers of the users, in order, after an id."""
        rows = self._connection.execute(_SUSPICIOUS_LINKS, (_pack(after) if after else b"",)).fetchall()
        return (_unpack(row[0]) for row in rows)

    # Counters

    def add_counts(self, sort_key: str, counts: int, active: int) -> None:
        """Add to the counter of a shard."""
        before, active_before = self._counts.get(sort_key, (0, 0))
        self._counts[sort_key] = (before + counts, active_before + active)

    def read_counts(self) -> dict[str, tuple[int, int]]:
        """Return the packed number and the number of active users of each shard, by the key of its counter."""
        return self._counts


def _pack(user_id: str) -> bytes:
    return UUID(user_id).bytes


def _unpack(packed: bytes) -> str:
    return str(UUID(bytes=packed))
