"""Tell a client its rate limit, so that it can slow down before it gets a 429.

- ``RateLimit-Policy`` and ``RateLimit``: draft-ietf-httpapi-ratelimit-headers-12.
- ``X-Rate-Limit-Limit``, ``-Remaining`` and ``-Reset``: SailPoint's SCIM 2.0 connector ("Supported Features", *API
  Throttling*) reads them, as it does ``X-Rate-Limit-Retry-After-Seconds`` of a 429. The reset is in seconds since 1970,
  as in Okta's headers of the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from scim.protocol.errors import ScimError
from scim.service.model.rate_limit.bucket import RateLimit

_POLICY = '"default"'


def build_rate_limit_headers(limit: RateLimit, remaining: int, now: float, error: ScimError | None) -> dict[str, str]:
    """Return the header fields for a tenant that has ``remaining`` permits. ``error`` is the error in the response.

    The time of the reset is when more permits are there: those that the refused request needs, or else the next one.
    ``now`` is in seconds since 1970.
    """
    retry_after = _get_retry_after(error)
    reset_s = int(retry_after) if retry_after else ceil(1 / limit.rate)
    return {
        "RateLimit-Policy": f"{_POLICY};q={limit.burst};w={limit.window_s}",
        "RateLimit": f"{_POLICY};r={remaining};t={reset_s}",
        "X-Rate-Limit-Limit": str(limit.burst),
        "X-Rate-Limit-Remaining": str(remaining),
        "X-Rate-Limit-Reset": str(ceil(now) + reset_s),
        **({"X-Rate-Limit-Retry-After-Seconds": retry_after} if retry_after else {}),
    }


def _get_retry_after(error: ScimError | None) -> str | None:
    headers: Mapping[str, str] = error.headers if error else {}
    return headers.get("Retry-After")
