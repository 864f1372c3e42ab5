"""Show the progress of a long command on standard error, if that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

Value = TypeVar("Value")

_DELAY_S = 1.0
_REFRESH_S = 0.25
_ERASE = "\r\x1b[K"


class _ProgressLine:
    """A line with the number of values and the elapsed time. It appears after one second.

    It is hidden while something else is printed, and erased at the end.
    """

    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = "" if total is None else f" of {total:,}"
        self._done = 0
        self._start = monotonic()
        self._lock = Lock()
        self._is_waiting = True
        self._is_drawn = False
        self._stop = Event()

    def __str__(self) -> str:
        done = f"{self._done:,}{self._total}" if self._done or self._total else ""
        return "  ".join(filter(None, (self._label, done, f"{monotonic() - self._start:.0f} s")))

    def hide(self) -> None:
        with self._lock:
            self._is_waiting = False
            if self._is_drawn:
                self._write(_ERASE)
                self._is_drawn = False

    def step(self) -> None:
        self._done += 1
        self._is_waiting = True

    @contextmanager
    def show(self) -> Iterator[None]:
        """Show the line until the context ends."""
        thread = Thread(target=self._draw, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self.hide()

    def _draw(self) -> None:
        pause = _DELAY_S
        while not self._stop.wait(pause):
            pause = _REFRESH_S
            with self._lock:
                if self._is_waiting:
                    self._write(f"{_ERASE}{self}")
                    self._is_drawn = True

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@contextmanager
def show_elapsed_time(label: str, *, json: bool = False) -> Iterator[None]:
    """Show a label and the elapsed time until the context ends. Show nothing for programs (``json``)."""
    if json or not sys.stderr.isatty():
        yield
        return
    with _ProgressLine(label, None).show():
        yield


def show_progress(
    values: Iterable[Value], label: str, total: int | None = None, *, json: bool = False
) -> Iterator[Value]:
    """Yield the values, and show how many there were while waiting for the next one. ``total`` may be unknown.

    Show nothing for programs (``json``).
    """
    if json or not sys.stderr.isatty():
        yield from values
        return
    line = _ProgressLine(label, total)
    with line.show():
        for value in values:
            line.hide()
            yield value
            line.step()
