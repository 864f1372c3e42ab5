"""Make a call in another thread, while the caller works on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call that runs in its own thread from the start."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # noqa: BLE001  # get_result raises it
            self._error = error

    def get_result(self) -> T:
        """Wait until the call has ended. Return what it returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def discard(self) -> T | None:
        """Wait until the call has ended. Return what it returned, or ``None`` if it failed."""
        self._thread.join()
        return self._results[0] if self._results else None
