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

    def record_failure(self, request: RequestSummary, error: ScimError, dialect: Dialect) -> None:
        self._recording().record_failure(request, error, dialect)

    def record_success(self, request: RequestSummary, dialect: Dialect) -> None:
        self._recording().record_success(request, dialect)

    def finish(self) -> None:
        """Add what was recorded to the counts of the day, if anything was."""
        if self._made is not None:
            self._made.finish()

    @property
    def log_fields(self) -> dict[str, int]:
        """The fields of the log line, without those that are zero."""
        return self._made.log_fields if self._made is not None else {}

    def _recording(self) -> FailureRecorder:
        if self._made is None:
            self._made = self._make()
        return self._made
