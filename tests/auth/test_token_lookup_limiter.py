"""The limit of look-ups of invalid tokens."""

import pytest

from scim.auth.token_lookup_limiter import TokenLookupLimiter
from scim.protocol.errors import TooManyRequests

NOW = 1_800_000_000.0


def look_up(limiter: TokenLookupLimiter, digest: bytes, times: int = 3) -> None:
    for _ in range(times):
        limiter.check_limit(digest, NOW)
        limiter.count_failure(digest, NOW)


def test_token_is_looked_up_three_times() -> None:
    """More look-ups within ten seconds are rejected."""
    limiter = TokenLookupLimiter()
    look_up(limiter, b"one")

    with pytest.raises(TooManyRequests):
        limiter.check_limit(b"one", NOW + 9.9)
    limiter.check_limit(b"one", NOW + 10)
    limiter.check_limit(b"other", NOW)


def test_only_latest_tokens_are_counted() -> None:
    """This limits the memory. An older token is counted from zero again."""
    limiter = TokenLookupLimiter()
    for number in range(17):
        look_up(limiter, bytes([number]))

    limiter.check_limit(bytes([0]), NOW)
    for number in range(1, 17):
        with pytest.raises(TooManyRequests):
            limiter.check_limit(bytes([number]), NOW)
