"""Show the progress of a long command on standard error, if that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

Value = TypeVar("Value")

_DELAY_S = 1.0
_REFRESH_S = 0.25
_ESTIMATE_AFTER_S = 5.0
_ERASE = "\r\x1b[K"


class ProgressLine:
    """A line with the number of values, the elapsed time and an estimate of the remaining time, after one second.

    It is hidden while something else is printed, and erased at the end. ``done`` is the number of values that an
    earlier run of the command has done.
    """

    def __init__(self, label: str, total: int | None, done: int = 0) -> None:
        self._label = label
        self._total = total
        self._done = self._first = done
        self._start = monotonic()
        self._lock = Lock()
        self._is_waiting = True
        self._is_drawn = False
        self._stop = Event()

    def __str__(self) -> str:
        elapsed_s = monotonic() - self._start
        total = "" if self._total is None else f" of {self._total:,}"
        done = f"{self._done:,}{total}" if self._done or total else ""
        return "  ".join(filter(None, (self._label, done, f"{elapsed_s:.0f} s", self._estimate(elapsed_s))))

    def _estimate(self, elapsed_s: float) -> str:
        """Return the estimated remaining time, if there is enough to estimate it from and it is at least a minute."""
        done = self._done - self._first
        if self._total is None or done <= 0 or self._done >= self._total or elapsed_s < _ESTIMATE_AFTER_S:
            return ""
        minutes = round((self._total - self._done) * elapsed_s / done / 60)
        if minutes < 1:
            return ""
        return f"about {minutes} min left" if minutes < 120 else f"about {minutes / 60:.0f} h left"

    def start_step(self, label: str, total: int | None = None) -> None:
        """Start to count again, for the next step of the same work."""
        with self._lock:
            self._label, self._total, self._done, self._first, self._start = label, total, 0, 0, monotonic()

    def advance(self, count: int) -> None:
        """Add a number of values."""
        self._done += count

    def hide(self) -> None:
        """Erase the line, because something else is printed."""
        with self._lock:
            self._is_waiting = False
            if self._is_drawn:
                self._write(_ERASE)
                self._is_drawn = False

    def step(self) -> None:
        """Add one value, and show the line again."""
        self.advance(1)
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
def explain_interruption(advice: str) -> Iterator[None]:
    """Print what to do if the context is interrupted, for example by Ctrl-C or an error."""
    try:
        yield
    except BaseException:
        sys.stderr.write(f"{_ERASE if sys.stderr.isatty() else ''}{advice}\n")
        raise


@contextmanager
def show_elapsed_time(label: str, *, json: bool = False) -> Iterator[None]:
    """Show a label and the elapsed time until the context ends. Show nothing for programs (``json``)."""
    if json or not sys.stderr.isatty():
        yield
        return
    with ProgressLine(label, None).show():
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
    line = ProgressLine(label, total)
    with line.show():
        for value in values:
            line.hide()
            yield value
            line.step()


@contextmanager
def show_progress_line(
    label: str, total: int | None = None, *, done: int = 0, json: bool = False
) -> Iterator[ProgressLine]:
    """Show a line until the context ends, for work that counts its values itself (:meth:`ProgressLine.advance`).

    ``done`` is the number of values that an earlier run has done. Show nothing for programs (``json``).
    """
    line = ProgressLine(label, total, done)
    with nullcontext() if json or not sys.stderr.isatty() else line.show():
        yield line
