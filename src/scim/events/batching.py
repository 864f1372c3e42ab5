"""Send many entries to a service that takes at most ten in a call and answers for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline

_MAX_ENTRIES = 10
"""The entries in a call of EventBridge's PutEvents and of SQS's SendMessageBatch."""

NO_ANSWER_CODE = "no answer"

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a call did not accept an entry; ``code`` is the service's error code.

    ``is_invalid`` is true if the entry is invalid, so that no call ever accepts it. ``is_misconfigured`` is true if
    nothing can be sent until an operator acts: the queue or a permission is missing.
    """

    code: str
    is_invalid: bool
    is_misconfigured: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """The entries that were not accepted, by number.

    ``rejected`` has the error codes of those that are invalid. ``unsent`` are those that could not be sent in time;
    ``codes`` has their last error codes, if the service answered.
    """

    rejected: Mapping[int, str]
    unsent: frozenset[int]
    codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def reasons(self) -> Mapping[int, str]:
        """The error code of each entry that was not accepted."""
        return {**dict.fromkeys(self.unsent, NO_ANSWER_CODE), **self.codes, **self.rejected}


def send_in_batches(
    entries: Mapping[int, Entry],
    size: Callable[[Entry], int],
    max_bytes: int,
    send: Callable[[Sequence[Entry]], Sequence[Rejection | None]],
    deadline: Deadline,
) -> SendResult:
    """Send entries until each is accepted or rejected, or the time is up.

    ``size`` returns the bytes of an entry, ``max_bytes`` is the limit of a call. ``send`` makes one call and returns a
    rejection for each entry, ``None`` if it was accepted. Raises what ``send`` raises.
    """
    pending = dict(entries)
    rejected: dict[int, str] = {}
    codes: dict[int, str] = {}
    attempt = 0
    try:
        while pending:
            for batch in list(_split(pending, size, max_bytes)):
                deadline.check()
                rejections = send([pending[number] for number in batch])
                for number, rejection in zip(batch, rejections, strict=True):
                    codes.pop(number, None)
                    if rejection:
                        (rejected if rejection.is_invalid else codes)[number] = rejection.code
                    if rejection is None or rejection.is_invalid or rejection.is_misconfigured:
                        del pending[number]
            if pending:
                deadline.pause(attempt)
                attempt += 1
    except Unavailable:  # the time is up
        pass
    return SendResult(rejected, frozenset([*pending, *codes]), codes)


def _split(entries: Mapping[int, Entry], size: Callable[[Entry], int], max_bytes: int) -> Iterator[list[int]]:
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
