"""The tokens of one tenant that were looked up and were not valid."""

from __future__ import annotations

from dataclasses import dataclass, field

from scim.protocol.errors import TooManyRequests

_WINDOW_S = 10.0
_MAX_FAILURES = 3
_MAX_TOKENS = 16


@dataclass(slots=True)
class TokenLookupLimiter:
    """How often each token failed within ten seconds, of the last :data:`_MAX_TOKENS` that did.

    Only tokens that this stack created get here. They do not affect other tokens of the same tenant, so a new one works
    at once.
    """

    _windows: dict[bytes, tuple[float, int]] = field(default_factory=dict)  # the oldest failure first

    def check_limit(self, digest: bytes, now: float) -> None:
        """Raise :class:`TooManyRequests` if the token has failed :data:`_MAX_FAILURES` times in its window."""
        started, failures = self._windows.get(digest, (now, 0))
        if now - started < _WINDOW_S and failures >= _MAX_FAILURES:
            raise TooManyRequests(
                "Too many requests came with this token, which is not valid. Send the request again in a few seconds.",
                headers={"Retry-After": str(int(_WINDOW_S))},
            )

    def count_failure(self, digest: bytes, now: float) -> None:
        """Count a failure of the token. ``now`` is in seconds since 1970."""
        started, failures = self._windows.pop(digest, (now, 0))
        if now - started >= _WINDOW_S:
            started, failures = now, 0
        self._windows[digest] = (started, failures + 1)
        if len(self._windows) > _MAX_TOKENS:
            del self._windows[next(iter(self._windows))]
