"""A batch ends in events, in the queue, or comes again: nothing is lost, and nothing blocks what follows it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from scim.events.relay import Outcome
from tests.events.fakes import NO_ANSWER, TAKEN, Events, Queues, failed, relay
from tests.events.history import stream_record
from tests.events.test_record import IMAGE
from tests.service.fakes import Clock

GOOD = stream_record(IMAGE)
BAD = stream_record({**IMAGE, "operation": {"S": "zaphod"}})
OTHER = stream_record({**IMAGE, "sk": {"S": "U#1"}})
LOST = "InternalFailure"


def run(records: list[Any], events: Events, queues: Queues, seconds: float = 29.0) -> Outcome:
    return relay(events, queues, Clock(seconds).deadline)(records)


def test_a_malformed_record_among_good_ones_is_laid_aside_whole() -> None:
    events, queues = Events(), Queues()
    assert run([GOOD, BAD, GOOD], events, queues) == Outcome(published=2, poison=1, checkpoint=None)
    assert queues.messages == [{"reason": "malformed: operation", "record": BAD}]


def test_other_items_make_neither_events_nor_poison() -> None:
    events, queues = Events(), Queues()
    assert run([OTHER, GOOD], events, queues) == Outcome(1, 0, None)
    assert (len(events.taken), queues.messages) == (1, [])


def test_a_record_whose_event_is_refused_is_laid_aside() -> None:
    queues = Queues()
    assert run([GOOD, GOOD], Events(TAKEN, "MalformedDetail"), queues) == Outcome(1, 1, None)
    assert queues.messages == [{"reason": "MalformedDetail", "record": GOOD}]


def test_what_follows_the_checkpoint_is_not_laid_aside_yet() -> None:
    fates = iter([TAKEN, LOST, TAKEN])
    events, queues = Events(fate=lambda: next(fates, LOST)), Queues()
    assert run([BAD, GOOD, GOOD, BAD, GOOD], events, queues) == Outcome(published=2, poison=1, checkpoint=2)
    assert len(queues.messages) == 1


def test_a_repeated_batch_lays_the_same_record_aside_once() -> None:
    records, queues = [GOOD, BAD, GOOD], Queues()
    first = run(records, Events(fate=lambda: LOST), queues)
    assert (first.checkpoint, queues.messages) == (0, [])
    assert run(records[0:], Events(), queues).checkpoint is None
    assert len(queues.messages) == 1


def test_a_queue_that_fails_for_the_moment_is_asked_again() -> None:
    queues = Queues(NO_ANSWER, failed("SendMessage", "RequestThrottled", 500))
    assert run([BAD], Events(), queues) == Outcome(0, 1, None)
    assert len(queues.messages) == 1


def test_a_record_that_could_not_be_laid_aside_in_time_comes_again() -> None:
    assert run([GOOD, BAD, GOOD], Events(), Queues(*[NO_ANSWER] * 1_000)) == Outcome(2, 0, 1)


def test_a_queue_that_fails_for_good_is_raised() -> None:
    with pytest.raises(ClientError):
        run([BAD], Events(), Queues(failed("SendMessage", "AccessDenied")))
