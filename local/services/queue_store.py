"""The messages of the local queues, in an SQLite file that survives restarts and kill -9."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import LocalRunError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    source TEXT,           -- the queue that it was moved from, in a dead-letter queue
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    sender_group TEXT,     -- the MessageGroupId
    sent REAL NOT NULL,
    visible REAL NOT NULL, -- the time from which it can be received
    received REAL,         -- for the first time
    receives INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_queue ON messages (queue, visible);
"""

# Fair queues: the group with the fewest messages in flight comes first. Groups with the same number take turns, also
# within the messages of one call. A message without a group counts as a separate group.
_SELECT = """
WITH busy AS (
    SELECT sender_group, COUNT(*) AS in_flight FROM messages
    WHERE queue = :queue AND visible > :now AND receives > 0 GROUP BY sender_group
)
SELECT messages.* FROM messages LEFT JOIN busy ON busy.sender_group = messages.sender_group
WHERE queue = :queue AND visible <= :now
ORDER BY
    COALESCE(in_flight, 0)
        + ROW_NUMBER() OVER (PARTITION BY COALESCE(messages.sender_group, messages.id) ORDER BY number),
    number
LIMIT :limit
"""


@dataclass(frozen=True)
class StoredMessage:
    """A message in a queue. Times are in seconds since 1970."""

    id: str
    queue: str
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    sent: float
    received: float | None
    receives: int
    source: str | None

    @property
    def receipt_handle(self) -> str:
        """The receipt handle of the last receive. Each receive has another one."""
        return f"{self.id}:{self.receives}"


def _build_message(row: sqlite3.Row) -> StoredMessage:
    return StoredMessage(
        row["id"],
        row["queue"],
        row["body"],
        json.loads(row["attributes"]),
        row["sender_group"],
        row["sent"],
        row["received"],
        row["receives"],
        row["source"],
    )


class QueueStore:
    """The messages of all queues. This class is not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Open the file; raise ``LocalRunError`` if it is damaged."""
        path.touch(0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")  # survives kill -9, not always a power cut
            self._database.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise LocalRunError(f"{path} is damaged ({error}); delete it, then the queues start empty") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(
        self, queue: str, body: str, attributes: Mapping[str, Any], group: str | None, now: float, delay: float
    ) -> str:
        """Store a message and return its id."""
        message_id = str(uuid.uuid4())
        self._database.execute(
            "INSERT INTO messages (id, queue, body, attributes, sender_group, sent, visible) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (message_id, queue, body, json.dumps(attributes), group, now, now + delay),
        )
        return message_id

    def expire(self, queue: str, sent_before: float) -> None:
        """Delete the messages that were sent before a time."""
        self._database.execute("DELETE FROM messages WHERE queue = ? AND sent < ?", (queue, sent_before))

    def move_exhausted(self, queue: str, target: str, max_receives: int, now: float) -> list[StoredMessage]:
        """Move the visible messages that reached ``max_receives`` to the dead-letter queue; return them."""
        rows = self._database.execute(
            "UPDATE messages SET queue = ?, source = queue, visible = ? "
            "WHERE queue = ? AND visible <= ? AND receives >= ? RETURNING *",
            (target, now, queue, now, max_receives),
        )
        return [_build_message(row) for row in rows.fetchall()]

    def receive(self, queue: str, limit: int, now: float, visibility: float) -> list[StoredMessage]:
        """Return visible messages and hide them for ``visibility`` seconds."""
        rows = self._database.execute(_SELECT, {"queue": queue, "now": now, "limit": limit}).fetchall()
        received: list[StoredMessage] = []
        for row in rows:
            updated = self._database.execute(
                "UPDATE messages SET receives = receives + 1, visible = ?, received = COALESCE(received, ?) "
                "WHERE number = ? RETURNING *",
                (now + visibility, now, row["number"]),
            )
            received += map(_build_message, updated.fetchall())
        return received

    def delete(self, queue: str, message_id: str, receives: int) -> None:
        """Delete a message, unless it was received again since."""
        self._database.execute(
            "DELETE FROM messages WHERE queue = ? AND id = ? AND receives = ?", (queue, message_id, receives)
        )

    def change_visibility(self, queue: str, message_id: str, receives: int, now: float, visibility: float) -> bool:
        """Hide a message for ``visibility`` seconds from now; return whether it is in flight."""
        changed = self._database.execute(
            "UPDATE messages SET visible = ? WHERE queue = ? AND id = ? AND receives = ? AND visible > ?",
            (now + visibility, queue, message_id, receives, now),
        )
        return changed.rowcount == 1

    def count(self, queue: str, now: float) -> tuple[int, int, int]:
        """Return how many messages are visible, in flight and delayed."""
        row = self._database.execute(
            "SELECT COUNT(*) FILTER (WHERE visible <= :now), COUNT(*) FILTER (WHERE visible > :now AND receives > 0), "
            "COUNT(*) FILTER (WHERE visible > :now AND receives = 0) FROM messages WHERE queue = :queue",
            {"now": now, "queue": queue},
        ).fetchone()
        return tuple(row)
