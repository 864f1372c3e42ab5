"""Sending many entries to a service that takes a few in each call, and answers for each entry by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline

_MAX_ENTRIES = 10
"""EventBridge's PutEvents and SQS's SendMessageBatch both take so many."""

NO_ANSWER_CODE = "no answer"

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a call did not take an entry. ``is_final``: the entry is invalid, and no call ever takes it.

    ``is_lasting``: nothing can be sent now, since the queue or a right to it is missing; someone must mend that.
    """

    code: str
    is_final: bool
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """The entries that were not taken, by number: ``rejected`` for good, ``unsent`` for now; ``codes`` tell why."""

    rejected: Mapping[int, str]
    unsent: frozenset[int]
    codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def reasons(self) -> Mapping[int, str]:
        """Return the service's code for each entry that was not taken."""
        return {**dict.fromkeys(self.unsent, NO_ANSWER_CODE), **self.codes, **self.rejected}


def send_in_batches(
    entries: Mapping[int, Entry],
    size: Callable[[Entry], int],
    max_bytes: int,
    send: Callable[[Sequence[Entry]], Sequence[Rejection | None]],
    deadline: Deadline,
) -> SendResult:
    """Send entries until each is taken, rejected, or the time is up.

    ``send`` makes one call and returns why each entry was not taken, ``None`` where it was. Raises what ``send`` does.
    """
    waiting = dict(entries)
    rejected: dict[int, str] = {}
    codes: dict[int, str] = {}
    attempt = 0
    try:
        while waiting:
            for batch in list(_split(waiting, size, max_bytes)):
                deadline.check()
                outcomes = send([waiting[number] for number in batch])
                for number, rejection in zip(batch, outcomes, strict=True):
                    codes.pop(number, None)
                    if rejection:
                        (rejected if rejection.is_final else codes)[number] = rejection.code
                    if rejection is None or rejection.is_final or rejection.is_lasting:
                        del waiting[number]
            if waiting:
                deadline.pause(attempt)
                attempt += 1
    except Unavailable:  # the time is up
        pass
    return SendResult(rejected, frozenset([*waiting, *codes]), codes)


def _split(entries: Mapping[int, Entry], size: Callable[[Entry], int], max_bytes: int) -> Iterator[list[int]]:
    """Yield the numbers of the entries for each call. An entry that is larger than a call goes alone."""
    batch: list[int] = []
    total = 0
    for number, entry in entries.items():
        added = size(entry)
        if batch and (len(batch) == _MAX_ENTRIES or total + added > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(number)
        total += added
    if batch:
        yield batch
