"""Tokens that were looked up and found not to be valid."""

import pytest

from scim.auth.token_lookup_limiter import TokenLookupLimiter
from scim.protocol.errors import TooManyRequests

NOW = 1_800_000_000.0


def fail(failed: TokenLookupLimiter, digest: bytes, times: int = 3) -> None:
    for _ in range(times):
        failed.check_limit(digest, NOW)
        failed.count_failure(digest, NOW)


def test_token_is_looked_up_three_times_in_ten_seconds() -> None:
    failed = TokenLookupLimiter()
    fail(failed, b"one")

    with pytest.raises(TooManyRequests):
        failed.check_limit(b"one", NOW + 9.9)
    failed.check_limit(b"one", NOW + 10)
    failed.check_limit(b"other", NOW)


def test_only_the_latest_tokens_are_remembered() -> None:
    """So that memory is bounded: of a token that is forgotten the counting starts again."""
    failed = TokenLookupLimiter()
    for number in range(17):
        fail(failed, bytes([number]))

    failed.check_limit(bytes([0]), NOW)
    for number in range(1, 17):
        with pytest.raises(TooManyRequests):
            failed.check_limit(bytes([number]), NOW)
