"""Limit the number of calls to Secrets Manager for the same invalid token."""

from __future__ import annotations

from dataclasses import dataclass, field

from scim.protocol.errors import TooManyRequests

_WINDOW_S = 10.0
_MAX_FAILURES = 3
_MAX_TOKENS = 16


@dataclass(slots=True)
class TokenLookupLimiter:
    """Counts the failed lookups of one tenant by token, for the last :data:`_MAX_TOKENS` tokens that failed.

    Only tokens that this stack created are counted; others are rejected without a lookup. Each token has its own count,
    so a new token of the tenant works immediately.
    """

    # By digest of the token: the start of its window and its failed lookups. The token that failed last is at the end.
    _windows: dict[bytes, tuple[float, int]] = field(default_factory=dict)

    def check_limit(self, digest: bytes, now: float) -> None:
        """Raise :class:`TooManyRequests` if the token has failed :data:`_MAX_FAILURES` times in its current window.

        A window lasts :data:`_WINDOW_S`. ``now`` is in seconds since 1970.
        """
        window_start, failures = self._windows.get(digest, (now, 0))
        if now - window_start < _WINDOW_S and failures >= _MAX_FAILURES:
            raise TooManyRequests(
                "Too many requests with this token, which is not valid. Send the request again in a few seconds.",
                headers={"Retry-After": str(int(_WINDOW_S))},
            )

    def count_failure(self, digest: bytes, now: float) -> None:
        """Count a failed lookup of a token. ``now`` is in seconds since 1970."""
        window_start, failures = self._windows.pop(digest, (now, 0))
        if now - window_start >= _WINDOW_S:
            window_start, failures = now, 0
        self._windows[digest] = (window_start, failures + 1)
        if len(self._windows) > _MAX_TOKENS:
            del self._windows[next(iter(self._windows))]
