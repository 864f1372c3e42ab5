"""Build and parse the keys of the console's items (docs/contribute/data-model.md)."""

from __future__ import annotations

from scim.store.keys import KeyRange

_LINK_REQUEST_PREFIX = "S#request#"

CONSOLE_PARTITION = "S#"
"""The partition of the console's data, which belongs to no tenant."""


PRODUCT_KEY = "S#product"
"""The key of the product that the console shows to IT admins."""


def sign_in_attempts_key(source: str, window: int) -> str:
    """Return the key of the count of sign-in attempts from a source in a time window."""
    return f"S#attempts#{source}#{window}"


def ended_session_key(session_id: str) -> str:
    """Return the key of the marker that a session has ended."""
    return f"S#ended#{session_id}"


def used_session_key(session_id: str) -> str:
    """Return the key of the marker that a request was made in a session."""
    return f"S#used#{session_id}"


def shown_token_key(session_id: str) -> str:
    """Return the key of the marker that a token was shown in a session."""
    return f"S#token#{session_id}"


def link_request_key(tenant_id: str) -> str:
    """Return the key of the request of an IT admin for a new invitation."""
    return f"{_LINK_REQUEST_PREFIX}{tenant_id}"


LINK_REQUEST_RANGE = KeyRange(_LINK_REQUEST_PREFIX, "S#request$")
"""The range of the requests of all IT admins for a new invitation."""


def parse_link_request(sort_key: str) -> str:
    """Return the tenant from the key of a request for a new invitation."""
    return sort_key.removeprefix(_LINK_REQUEST_PREFIX)


def invitation_key(digest: str) -> str:
    """Return the key of an invitation. ``digest`` is the digest of its secret."""
    return f"S#invitation#{digest}"
