"""Test the progress line, on a real terminal."""

import json
import os
import pty
from collections.abc import Iterator
from select import select
from time import monotonic, sleep

import pytest

from cli import progress
from cli.main import muster
from cli.progress import ProgressLine, show_elapsed_time, show_progress, show_progress_line
from scim.store.tenants import DynamoDBTenantStore
from tests.cli.conftest import Muster

_ERASE = "\r\x1b[K"
_LONG_S = 30


class Terminal:
    """A pseudo-terminal with both of its ends."""

    def __init__(self) -> None:
        self._screen, keyboard = pty.openpty()
        self.stderr = os.fdopen(keyboard, "w")

    def read(self) -> str:
        """Wait for output and return it."""
        assert select([self._screen], [], [], _LONG_S)[0], "nothing is written"
        return os.read(self._screen, 10_000).decode()

    def rest(self) -> str:
        """Return the output since the last call."""
        self.stderr.write("END")
        self.stderr.flush()
        output = ""
        while not output.endswith("END"):
            output += self.read()
        return output.removesuffix("END")

    def close(self) -> None:
        self.stderr.close()
        os.close(self._screen)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Replace standard error by a terminal."""
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", terminal)
    monkeypatch.setattr(progress, "_DELAY_S", 0.01)
    yield terminal
    terminal.close()


def test_line_has_the_number_of_values(terminal: Terminal) -> None:
    output = []

    def values() -> Iterator[int]:
        yield 1_000
        output.append(terminal.read())
        yield 2_000

    assert list(show_progress(values(), "Users", 2)) == [1_000, 2_000]
    assert output[0].startswith(f"{_ERASE}Users  1 of 2  0 s")
    assert terminal.rest().endswith(_ERASE)


def test_line_of_counted_work_has_the_present_step(terminal: Terminal) -> None:
    with show_progress_line("Users", 50_000, done=10_000) as line:
        line.advance(500)
        assert "Users  10,500 of 50,000  0 s" in terminal.read()
        line.start_step("Entries", 10)
        line.advance(1)
        while "Entries  1 of 10  0 s" not in terminal.read():
            pass
    assert terminal.rest().endswith(_ERASE)


@pytest.mark.parametrize(
    ("elapsed_s", "count", "estimate"),
    [
        (600, 20_000, "about 5 min left"),  # 20,000 in 10 minutes, and 10,000 remain
        (36_000, 20_000, "about 5 h left"),
        (600, 29_990, ""),
        (600, 0, ""),
        (600, 40_000, ""),
        (1, 20_000, ""),
    ],
)
def test_estimate(monkeypatch: pytest.MonkeyPatch, elapsed_s: float, count: int, estimate: str) -> None:
    """An earlier run did 70,000 of 100,000 values. They do not count for the speed of this run."""
    line = ProgressLine("Users", 100_000, done=70_000)
    start = monotonic()
    line.advance(count)
    monkeypatch.setattr(progress, "monotonic", lambda: start + elapsed_s)
    assert str(line).split("  ")[3:] == [estimate][: bool(estimate)]


def test_line_is_erased_before_other_output(terminal: Terminal) -> None:
    def values() -> Iterator[int]:
        assert "Tenants  0 s" in terminal.read()
        yield 1

    for _ in show_progress(values(), "Tenants"):
        assert terminal.rest().endswith(_ERASE)


def test_line_without_a_number_has_the_elapsed_time(terminal: Terminal) -> None:
    with show_elapsed_time("Searching"):
        assert terminal.read().startswith(f"{_ERASE}Searching  0 s")
    assert terminal.rest().endswith(_ERASE)


def test_quick_work_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY_S", 60)
    with show_elapsed_time("Searching"):
        assert list(show_progress([1, 2], "Users", 2)) == [1, 2]
    assert terminal.rest() == ""


def test_json_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY_S", 0)
    with show_elapsed_time("Searching", json=True):
        assert list(show_progress(yield_slowly(), "Users", 2, json=True)) == [1, 2]
    assert terminal.rest() == ""


def test_file_shows_nothing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_DELAY_S", 0)
    with show_elapsed_time("Searching"):
        assert list(show_progress(yield_slowly(), "Users", 2)) == [1, 2]
    assert capfd.readouterr().err == ""


def yield_slowly() -> Iterator[int]:
    """Yield values slowly enough for the line to appear."""
    for value in (1, 2):
        sleep(0.1)
        yield value


def wait_for_line(terminal: Terminal, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the store wait for the line in one of its reads. Return what was drawn."""
    drawn: list[str] = []
    original = getattr(DynamoDBTenantStore, name)

    def slow(self: DynamoDBTenantStore, *arguments: str) -> Iterator[object]:
        drawn.append(terminal.read())
        yield from original(self, *arguments)

    monkeypatch.setattr(DynamoDBTenantStore, name, slow)
    return drawn


@pytest.mark.parametrize(
    ("arguments", "reads", "line"),
    [
        (["tenants"], "list_ids", "Tenants  0 s"),
        (["users", "acme"], "list_users", "Users  0 of 0  0 s"),
        (["users", "acme", "--state", "active"], "list_users", "Users  0 of 0  0 s"),
    ],
)
def test_long_command_shows_progress(
    run: Muster, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reads: str, line: str
) -> None:
    run.deployment.build_administration().tenants.connect("acme")
    with monkeypatch.context() as patch:
        drawn = wait_for_line(terminal, reads, patch)
        muster.main(arguments, standalone_mode=False)
    assert line in drawn[0]
    assert terminal.rest().endswith(_ERASE)


def test_tenants_as_json_show_no_line(
    run: Muster, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_DELAY_S", 0)
    run.deployment.build_administration().tenants.connect("acme")
    muster.main(["tenants", "--json"], standalone_mode=False)
    assert terminal.rest() == ""
    assert json.loads(capsys.readouterr().out)["tenant"] == "acme"
