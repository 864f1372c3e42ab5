"""What records failures, made when the first of them happens: most requests need none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.protocol.errors import ScimError
    from scim.protocol.leniency import Dialect
    from scim.service.audit.failures import FailureRecorder
    from scim.service.model.failure import RequestSummary


class LazyFailureRecorder:
    """A :class:`scim.service.audit.failures.FailureRecorder` that ``make`` makes when it is first told something."""

    def __init__(self, make: Callable[[], FailureRecorder]) -> None:
        self._make = make
        self._made: FailureRecorder | None = None

    def record_failure(self, asked: RequestSummary, error: ScimError, dialect: Dialect) -> None:
        self._recording().record_failure(asked, error, dialect)

    def record_success(self, asked: RequestSummary, dialect: Dialect) -> None:
        self._recording().record_success(asked, dialect)

    def finish(self) -> None:
        """Add what was recorded to the counts of the day, if anything was."""
        if self._made is not None:
            self._made.finish()

    @property
    def line(self) -> dict[str, int]:
        """What the log line says of it."""
        return self._made.line if self._made is not None else {}

    def _recording(self) -> FailureRecorder:
        if self._made is None:
            self._made = self._make()
        return self._made
