"""A failure recorder that is created on first use, since most requests have no failure to record."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.protocol.errors import ScimError
    from scim.protocol.leniency import LeniencyTracker
    from scim.service.audit.failure_recorder import FailureRecorder
    from scim.service.model.audit.failure import RequestSummary


class LazyFailureRecorder:
    """Creates a :class:`scim.service.audit.failure_recorder.FailureRecorder` on first use, and forwards calls to it.

    It is thread-safe: the operations of a bulk request are recorded by several threads, with one recorder.
    """

    def __init__(self, create_recorder: Callable[[], FailureRecorder]) -> None:
        self._create_recorder = create_recorder
        self._recorder: FailureRecorder | None = None
        self._lock = Lock()

    def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
        """Record a failed request or operation."""
        self._get_recorder().record_failure(request, error, leniencies)

    def record_success(self, request: RequestSummary, leniencies: LeniencyTracker) -> None:
        """Record a request or operation that succeeded although part of it was ignored."""
        self._get_recorder().record_success(request, leniencies)

    def record_refusals(self, request: RequestSummary, error: ScimError, number: int) -> None:
        """Record requests that were refused because of the rate limit, ``request`` the last of them."""
        self._get_recorder().record_refusals(request, error, number)

    def finish(self) -> None:
        """Add the recorded failures, if any, to the counts of the day."""
        if self._recorder is not None:
            self._recorder.finish()

    @property
    def log_fields(self) -> dict[str, int]:
        """The counts for the request's log line, by field. Fields that are zero are omitted."""
        return self._recorder.log_fields if self._recorder is not None else {}

    def _get_recorder(self) -> FailureRecorder:
        with self._lock:
            if self._recorder is None:
                self._recorder = self._create_recorder()
            return self._recorder
