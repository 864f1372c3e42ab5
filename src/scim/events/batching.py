"""Send many entries to a service that takes at most ten in a call and returns an outcome for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline

_MAX_ENTRIES = 10
"""The maximum number of entries in a call of EventBridge's PutEvents and of SQS's SendMessageBatch."""

NO_RESPONSE_CODE = "no answer"

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a call did not accept an entry; ``code`` is the service's error code.

    ``is_invalid`` is true if the entry is invalid, so that no call ever accepts it. ``needs_operator`` is true if
    nothing can be sent until an operator acts: the queue or a permission is missing.
    """

    code: str
    is_invalid: bool
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """The entries that were not accepted, by their number in ``entries`` of :func:`send_in_batches`.

    ``rejected`` has the error codes of those that are invalid. ``unsent`` are those that could not be sent in time;
    ``unsent_codes`` has their last error codes, if the service answered.
    """

    rejected: Mapping[int, str]
    unsent: frozenset[int]
    unsent_codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def error_codes(self) -> Mapping[int, str]:
        """The error code of each entry that was not accepted."""
        return {**dict.fromkeys(self.unsent, NO_RESPONSE_CODE), **self.unsent_codes, **self.rejected}


def send_in_batches(
    entries: Mapping[int, Entry],
    size: Callable[[Entry], int],
    max_bytes: int,
    send: Callable[[Sequence[Entry]], Sequence[Rejection | None]],
    deadline: Deadline,
) -> SendResult:
    """Send entries until each is accepted or rejected, or the time is up.

    ``size`` returns the bytes of an entry, ``max_bytes`` is the limit of a call. ``send`` makes one call and returns a
    rejection for each entry, ``None`` if it was accepted. Raise what ``send`` raises.
    """
    pending = dict(entries)
    rejected: dict[int, str] = {}
    unsent_codes: dict[int, str] = {}
    attempt = 0
    try:
        while pending:
            for batch in list(_make_batches(pending, size, max_bytes)):
                deadline.require_time()
                rejections = send([pending[number] for number in batch])
                for number, rejection in zip(batch, rejections, strict=True):
                    unsent_codes.pop(number, None)
                    if rejection:
                        (rejected if rejection.is_invalid else unsent_codes)[number] = rejection.code
                    if rejection is None or rejection.is_invalid or rejection.needs_operator:
                        del pending[number]
            if pending:
                deadline.pause(attempt)
                attempt += 1
    except Unavailable:  # the time is up
        pass
    return SendResult(rejected, frozenset([*pending, *unsent_codes]), unsent_codes)


def _make_batches(entries: Mapping[int, Entry], size: Callable[[Entry], int], max_bytes: int) -> Iterator[list[int]]:
    """Yield the numbers of the entries for each call. An entry that is larger than a call is sent alone."""
    batch: list[int] = []
    total = 0
    for number, entry in entries.items():
        entry_size = size(entry)
        if batch and (len(batch) == _MAX_ENTRIES or total + entry_size > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(number)
        total += entry_size
    if batch:
        yield batch
