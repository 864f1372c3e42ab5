"""How far long work is: told on standard error, where that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

Value = TypeVar("Value")

_PATIENCE_S = 1.0
_TICK_S = 0.25
_ERASE = "\r\x1b[K"


class _Line:
    """A line that tells what is done, how much of it and for how long, once that takes longer than a second.

    It is drawn while somebody waits, gives way to what is printed meanwhile, and is gone in the end.
    """

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._of = "" if total is None else f" of {total:,}"
        self._done = 0
        self._start = monotonic()
        self._lock = Lock()
        self._is_waited_for = True
        self._is_drawn = False
        self._over = Event()

    def __str__(self) -> str:
        done = f"{self._done:,}{self._of}" if self._done or self._of else ""
        return "  ".join(filter(None, (self._what, done, f"{monotonic() - self._start:.0f} s")))

    def hide(self) -> None:
        with self._lock:
            self._is_waited_for = False
            if self._is_drawn:
                self._tell(_ERASE)
                self._is_drawn = False

    def step(self) -> None:
        self._done += 1
        self._is_waited_for = True

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """While this lasts."""
        drawing = Thread(target=self._draw, daemon=True)
        drawing.start()
        try:
            yield
        finally:
            self._over.set()
            drawing.join()
            self.hide()

    def _draw(self) -> None:
        pause = _PATIENCE_S
        while not self._over.wait(pause):
            pause = _TICK_S
            with self._lock:
                if self._is_waited_for:
                    self._tell(f"{_ERASE}{self}")
                    self._is_drawn = True

    def _tell(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@contextmanager
def show_elapsed_time(what: str, *, json: bool = False) -> Iterator[None]:
    """Tells that something is being done, and for how long; nothing where programs read (``json``)."""
    if json or not sys.stderr.isatty():
        yield
        return
    with _Line(what, None).drawn():
        yield


def show_progress(
    values: Iterable[Value], what: str, total: int | None = None, *, json: bool = False
) -> Iterator[Value]:
    """The same values; while the next one is waited for, it is told how many have come, of ``total`` if that is known.

    Nothing is told where programs read (``json``).
    """
    if json or not sys.stderr.isatty():
        yield from values
        return
    line = _Line(what, total)
    with line.drawn():
        for value in values:
            line.hide()
            yield value
            line.step()
