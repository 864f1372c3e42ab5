"""Test which entries a followed log shows."""

from collections.abc import Iterator

from cli.log_follower import LogFollower
from scim.service.audit.log_entries import LogEntry, LogEntryKind


def entry(second: int, user: str, count: int = 1) -> LogEntry:
    at = f"2026-06-01T09:{second // 60:02}:{second % 60:02}.000Z"
    return LogEntry(at, LogEntryKind.CHANGE, user, "create", 201, "Created.", at, count=count)


class Log:
    """A log that counts the entries that are read."""

    def __init__(self, *entries: LogEntry) -> None:
        self.entries = list(entries)
        self.read_count = 0

    def read(self) -> Iterator[LogEntry]:
        for item in sorted(self.entries, key=lambda entry: entry.at, reverse=True):
            self.read_count += 1
            yield item


def test_first_entries_are_the_newest_in_order() -> None:
    follower = LogFollower(Log(entry(1, "ada"), entry(2, "bob"), entry(3, "cleo")).read, 2)
    assert [new.user for new in follower.poll()] == ["bob", "cleo"]


def test_entry_is_shown_once() -> None:
    log = Log(entry(1, "ada"))
    follower = LogFollower(log.read, 10)
    follower.poll()
    log.entries.append(entry(2, "bob"))
    assert [new.user for new in follower.poll()] == ["bob"]
    assert follower.poll() == []


def test_entry_before_the_first_ones_is_not_new() -> None:
    follower = LogFollower(Log(entry(1, "ada"), entry(2, "bob")).read, 1)
    assert [new.user for new in [*follower.poll(), *follower.poll()]] == ["bob"]


def test_entry_that_becomes_visible_late_is_shown() -> None:
    log = Log(entry(1, "ada"), entry(100, "cleo"))
    follower = LogFollower(log.read, 10)
    follower.poll()
    log.entries.append(entry(90, "bob"))
    assert [new.user for new in follower.poll()] == ["bob"]


def test_repeated_failure_is_shown_with_its_new_count() -> None:
    log = Log(entry(1, "ada"))
    follower = LogFollower(log.read, 10)
    follower.poll()
    log.entries[0] = entry(5, "ada", count=2)
    assert [new.count for new in follower.poll()] == [2]


def test_first_entry_of_an_empty_log_is_shown() -> None:
    log = Log()
    follower = LogFollower(log.read, 10)
    assert follower.poll() == []
    log.entries.append(entry(1, "ada"))
    assert [new.user for new in follower.poll()] == ["ada"]


def test_old_entries_are_not_read_again() -> None:
    log = Log(*(entry(second, f"user-{second}") for second in range(0, 3_000, 10)))
    follower = LogFollower(log.read, 10)
    follower.poll()
    log.read_count = 0
    assert follower.poll() == []
    assert log.read_count <= 11
