"""Standard queues that behave like those of Amazon SQS.

A message is visible, in flight or deleted. A message that was received too often moves to the dead-letter queue.
Sources: Amazon SQS developer guide ("Visibility timeout", "Dead-letter queues", "How Amazon SQS fair queues work").
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.services.queue_config import QueueConfig
from local.services.queue_store import QueueStore, StoredMessage
from local.validation import Violation
from local.validation.sqs import MAX_ENTRIES

_RECEIPT_HANDLE = re.compile(r"([0-9a-f-]{36}):([0-9]+)")
_POLL_S = 0.1  # while a receiver waits: a message may become visible again


class QueueError(Exception):
    """SQS rejects a request. ``violation`` has the reason."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation


class Queues:
    """The queues of a template, by name. This class is thread-safe.

    ``log`` is a file with a line for each message that arrives in a queue without consumers, such as a dead-letter
    queue. ``consumed`` are the names of the queues with consumers. ``clock`` returns seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        queues: Iterable[QueueConfig],
        log: Path,
        consumed: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.configs = {queue.name: queue for queue in queues}
        self.log = log
        self.log.touch(0o600)
        self._consumed = frozenset(consumed)
        self._store = QueueStore(path)
        self._clock = clock
        self._changed = threading.Condition()
        self._is_closed = False

    def close(self) -> None:
        """Close the file; receivers that are waiting return without a message."""
        with self._changed:
            self._is_closed = True
            self._store.close()
            self._changed.notify_all()

    def get_config(self, name: str) -> QueueConfig:
        """Return the configuration of a queue; raise ``QueueError`` if it does not exist."""
        if queue := self.configs.get(name):
            return queue
        raise QueueError(
            Violation("AWS.SimpleQueueService.NonExistentQueue", f"The specified queue does not exist: {name}")
        )

    def send(
        self,
        name: str,
        body: str,
        group: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        delay: float | None = None,
    ) -> str:
        """Store a message in a queue and return its id. The caller has validated it (``local.validation.sqs``)."""
        queue = self.get_config(name)
        with self._changed:
            seconds = queue.delay if delay is None else delay
            message_id = self._store.add(name, body, attributes or {}, group, self._clock(), seconds)
            self._write_log(name, message_id, body)
            self._changed.notify_all()
        return message_id

    def receive(
        self, name: str, limit: int = 1, visibility: float | None = None, wait: float | None = None
    ) -> Sequence[StoredMessage]:
        """Return up to ``limit`` messages and hide them; wait up to ``wait`` seconds for the first message."""
        queue = self.get_config(name)
        timeout = queue.visibility_timeout if visibility is None else visibility
        deadline = time.monotonic() + (queue.wait if wait is None else wait)
        with self._changed:
            while not self._is_closed:
                messages = self._receive_visible(queue, min(limit, MAX_ENTRIES), timeout)
                remaining = deadline - time.monotonic()
                if messages or remaining <= 0:
                    return messages
                self._changed.wait(min(remaining, _POLL_S))
        return ()

    def delete(self, name: str, receipt_handle: str) -> None:
        """Delete a message. The receipt handle of an earlier receive deletes nothing."""
        message_id, receives = _parse_receipt_handle(receipt_handle)
        with self._changed:
            self._store.delete(self.get_config(name).name, message_id, receives)

    def change_visibility(self, name: str, receipt_handle: str, visibility: float) -> None:
        """Hide a message that is in flight for ``visibility`` seconds from now on."""
        message_id, receives = _parse_receipt_handle(receipt_handle)
        with self._changed:
            queue, now = self.get_config(name).name, self._clock()
            if not self._store.change_visibility(queue, message_id, receives, now, visibility):
                message = "The message referred to isn't in flight."
                raise QueueError(Violation("AWS.SimpleQueueService.MessageNotInflight", message))
            self._changed.notify_all()

    def count(self, name: str) -> tuple[int, int, int]:
        """Return how many messages of a queue are visible, in flight and delayed."""
        with self._changed:
            return self._store.count(self.get_config(name).name, self._clock())

    def _receive_visible(self, queue: QueueConfig, limit: int, timeout: float) -> Sequence[StoredMessage]:
        now = self._clock()
        self._store.expire(queue.name, now - queue.retention)
        if queue.dead_letter_queue:
            for message in self._store.move_exhausted(queue.name, queue.dead_letter_queue, queue.max_receives, now):
                self._write_log(message.queue, message.id, message.body, queue.name)
        return self._store.receive(queue.name, limit, now, timeout)

    def _write_log(self, name: str, message_id: str, body: str, source: str | None = None) -> None:
        if name in self._consumed:
            return
        line = {"queue": name, "messageId": message_id, "body": _parse_body(body)}
        with self.log.open("a") as file:
            file.write(json.dumps(line if source is None else line | {"source": source}) + "\n")


def _parse_body(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _parse_receipt_handle(receipt_handle: str) -> tuple[str, int]:
    parts = _RECEIPT_HANDLE.fullmatch(receipt_handle)
    if parts is None:
        raise QueueError(Violation("ReceiptHandleIsInvalid", "The input receipt handle is invalid."))
    return parts[1], int(parts[2])
