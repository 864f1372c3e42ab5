"""The local queues behave as Amazon SQS and survive kill -9."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.services.queue_config import QueueConfig
from local.services.queues import QueueError, Queues
from tests.local.messaging import Clock

WORK = QueueConfig("work", visibility_timeout=30, retention=600, dead_letter_queue="dead", max_receives=2)
DEAD = QueueConfig("dead", retention=1_200)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_queues(path: Path, clock: Clock) -> Queues:
    return Queues(path / "queues.db", [WORK, DEAD], path / "dead-letters.jsonl", ["work"], clock)


@pytest.fixture
def queues(tmp_path: Path, clock: Clock) -> Iterator[Queues]:
    queues = open_queues(tmp_path, clock)
    yield queues
    queues.close()


def receive_bodies(queues: Queues, name: str = "work", limit: int = 10) -> list[str]:
    return [message.body for message in queues.receive(name, limit)]


def test_received_message_is_hidden_until_timeout(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    assert receive_bodies(queues) == ["a"]
    clock.now += 29
    assert receive_bodies(queues) == []
    clock.now += 1
    assert receive_bodies(queues) == ["a"]


def test_deleted_message_does_not_reappear(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    queues.delete("work", queues.receive("work")[0].receipt_handle)
    clock.now += 60
    assert receive_bodies(queues) == []


def test_earlier_handle_deletes_nothing(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    (first,) = queues.receive("work")
    clock.now += 30
    queues.receive("work", visibility=0)
    queues.delete("work", first.receipt_handle)
    assert queues.count("work") == (1, 0, 0)


def test_message_moves_to_the_dead_letter_queue(queues: Queues, clock: Clock) -> None:
    queues.send("work", '{"a": 1}', group="acme")
    for _ in range(2):
        assert receive_bodies(queues) == ['{"a": 1}']
        clock.now += 30
    assert receive_bodies(queues) == []
    (dead,) = queues.receive("dead")
    assert (dead.body, dead.source, dead.receives, dead.group) == ('{"a": 1}', "work", 3, "acme")
    assert '"queue": "dead"' in queues.log.read_text()
    assert '"body": {"a": 1}' in queues.log.read_text()


def test_dead_letter_keeps_its_sent_time(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    for _ in range(3):
        queues.receive("work")
        clock.now += 30
    clock.now += 1_200 - 90
    assert receive_bodies(queues, "dead") == ["a"]
    clock.now += 31
    assert receive_bodies(queues, "dead") == []


def test_message_of_a_consumed_queue_is_not_logged(queues: Queues) -> None:
    queues.send("work", "a")
    assert queues.log.read_text() == ""


def test_message_expires_after_its_retention(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    clock.now += 601
    assert receive_bodies(queues) == []
    assert queues.count("work") == (0, 0, 0)


def test_delayed_message_becomes_visible_later(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a", delay=5)
    assert (receive_bodies(queues), queues.count("work")) == ([], (0, 0, 1))
    clock.now += 5
    assert receive_bodies(queues) == ["a"]


def test_visibility_can_be_changed_while_in_flight(queues: Queues, clock: Clock) -> None:
    queues.send("work", "a")
    (message,) = queues.receive("work")
    queues.change_visibility("work", message.receipt_handle, 100)
    clock.now += 99
    assert receive_bodies(queues) == []
    queues.change_visibility("work", message.receipt_handle, 0)
    with pytest.raises(QueueError, match="isn't in flight"):
        queues.change_visibility("work", message.receipt_handle, 10)
    assert receive_bodies(queues) == ["a"]


def test_groups_take_turns(queues: Queues) -> None:
    """A thousand messages of one tenant do not delay one message of another."""
    for number in range(1_000):
        queues.send("work", f"busy {number}", group="busy")
    queues.send("work", "quiet", group="quiet")
    queues.send("work", "alone")
    assert receive_bodies(queues, limit=3) == ["busy 0", "quiet", "alone"]


def test_group_with_messages_in_flight_waits(queues: Queues) -> None:
    for number in range(40):
        queues.send("work", f"busy {number}", group="busy")
    for _ in range(3):
        queues.receive("work", 10)
    for name in ("b", "c"):
        for number in range(6):
            queues.send("work", f"{name} {number}", group=name)
    assert Counter(body[0] for body in receive_bodies(queues)) == {"b": 5, "c": 5}


def test_receiver_waits_for_a_message(queues: Queues) -> None:
    timer = threading.Timer(0.3, queues.send, ("work", "a"))
    timer.start()
    started = time.monotonic()
    assert [message.body for message in queues.receive("work", wait=20)] == ["a"]
    assert 0.2 < time.monotonic() - started < 10
    timer.join()


def test_receiver_stops_waiting(queues: Queues) -> None:
    started = time.monotonic()
    assert queues.receive("work", wait=0.3) == []
    assert time.monotonic() - started >= 0.3


def test_unknown_queue_and_handle_are_rejected(queues: Queues) -> None:
    with pytest.raises(QueueError, match="NonExistentQueue"):
        queues.send("other", "a")
    with pytest.raises(QueueError, match="ReceiptHandleIsInvalid"):
        queues.delete("work", "x")


SENDER = """
import os, signal, sys
from pathlib import Path
from local.services.queue_config import QueueConfig
from local.services.queues import Queues
queues = Queues(Path(sys.argv[1]) / "queues.db", [QueueConfig("work")], Path(sys.argv[1]) / "log")
for number in range(100):
    queues.send("work", str(number))
queues.receive("work", 10)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_messages_survive_kill_9(tmp_path: Path, clock: Clock) -> None:
    assert subprocess.run([sys.executable, "-c", SENDER, str(tmp_path)], check=False).returncode == -9
    clock.now = time.time()
    queues = open_queues(tmp_path, clock)
    assert queues.count("work") == (90, 10, 0)
    clock.now += 31
    assert len({body for _ in range(10) for body in receive_bodies(queues)}) == 100
    queues.close()
