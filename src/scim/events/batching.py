"""Send entries in batches to a service that accepts ten entries a call, and returns a result for each entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline

_MAX_ENTRIES = 10
"""The maximum number of entries in a call of EventBridge's PutEvents and of SQS's SendMessageBatch."""

NO_RESPONSE_CODE = "no answer"
"""The error code of entries for which the service did not respond, or was throttled."""

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Rejection:
    """The reason why the service did not accept an entry.

    ``code`` is the service's error code. ``is_invalid`` says that the entry is invalid and will never be accepted.
    ``needs_operator`` says that nothing can be sent until an operator adds the missing queue or permission.
    """

    code: str
    is_invalid: bool
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """The entries that were not accepted, by their keys in ``entries`` of :func:`send_in_batches`.

    ``rejected`` maps invalid entries to their error codes. ``unsent`` are the entries that could not be sent before the
    deadline. ``unsent_codes`` maps them to their last error code, if the service responded.
    """

    rejected: Mapping[int, str]
    unsent: frozenset[int]
    unsent_codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def error_codes(self) -> Mapping[int, str]:
        """The error codes of all entries that were not accepted."""
        return {**dict.fromkeys(self.unsent, NO_RESPONSE_CODE), **self.unsent_codes, **self.rejected}


def send_in_batches(
    entries: Mapping[int, Entry],
    size: Callable[[Entry], int],
    max_bytes: int,
    send: Callable[[Sequence[Entry]], Sequence[Rejection | None]],
    deadline: Deadline,
) -> SendResult:
    """Send entries, and repeat failed ones, until each is accepted or rejected, or the deadline passes.

    ``entries`` may have any keys; the result refers to them. ``size`` returns the size of an entry in bytes.
    ``max_bytes`` is the limit of a call. ``send`` makes one call, and returns a rejection for each entry, ``None`` if
    the entry was accepted. Raise the errors of ``send``.
    """
    pending = dict(entries)
    rejected: dict[int, str] = {}
    unsent_codes: dict[int, str] = {}
    attempt = 0
    try:
        while pending:
            for batch in list(_make_batches(pending, size, max_bytes)):
                deadline.require_time()
                rejections = send([pending[key] for key in batch])
                for key, rejection in zip(batch, rejections, strict=True):
                    unsent_codes.pop(key, None)
                    if rejection:
                        (rejected if rejection.is_invalid else unsent_codes)[key] = rejection.code
                    if rejection is None or rejection.is_invalid or rejection.needs_operator:
                        del pending[key]
            if pending:
                deadline.pause(attempt)
                attempt += 1
    except Unavailable:  # the deadline has passed
        pass
    return SendResult(rejected, frozenset([*pending, *unsent_codes]), unsent_codes)


def _make_batches(entries: Mapping[int, Entry], size: Callable[[Entry], int], max_bytes: int) -> Iterator[list[int]]:
    """Yield the keys of the entries for each call. An entry that exceeds ``max_bytes`` is sent alone."""
    batch: list[int] = []
    total = 0
    for key, entry in entries.items():
        entry_size = size(entry)
        if batch and (len(batch) == _MAX_ENTRIES or total + entry_size > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(key)
        total += entry_size
    if batch:
        yield batch
