"""What records failures, made when the first of them happens: most requests need none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.protocol.dialect import Dialect
    from scim.protocol.errors import ScimError
    from scim.service.failures import Asked, Recording


class LateRecording:
    """A :class:`scim.service.failures.Recording` that ``make`` makes when it is first told something."""

    def __init__(self, make: Callable[[], Recording]) -> None:
        self._make = make
        self._made: Recording | None = None

    def failed(self, asked: Asked, error: ScimError, dialect: Dialect) -> None:
        self._recording().failed(asked, error, dialect)

    def succeeded(self, asked: Asked, dialect: Dialect) -> None:
        self._recording().succeeded(asked, dialect)

    def finish(self) -> None:
        """Add what was recorded to the counts of the day, if anything was."""
        if self._made is not None:
            self._made.finish()

    @property
    def line(self) -> dict[str, int]:
        """What the log line says of it."""
        return self._made.line if self._made is not None else {}

    def _recording(self) -> Recording:
        if self._made is None:
            self._made = self._make()
        return self._made
