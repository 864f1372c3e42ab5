"""Create and parse bearer tokens of the form ``muster_<tenant>_<secret>_<checksum>``.

- The secret is 256 random bits, as 43 base64url characters.
- The checksum is an HMAC-SHA-256 of all that precedes it, truncated to 128 bits (RFC 2104 section 5), as 32 hex digits.
  Its key is derived from the master key.

This form has three advantages. A token that this stack did not create is rejected without a call to AWS. Secret
scanners recognize it. The tenant is known before its secret is read.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

_CHECKSUM_BYTES = 16
_TENANT_PATTERN = r"muster_([a-z0-9-]{1,40})_"
# Base64url contains the underscore too, so a token must match as a whole.
_TOKEN_PATTERN = re.compile(_TENANT_PATTERN + r"([A-Za-z0-9_-]{43})_([0-9a-f]{32})")
_TOKEN_START_PATTERN = re.compile(r"(?<![A-Za-z0-9_-])" + _TENANT_PATTERN)


@dataclass(frozen=True, slots=True)
class Token:
    """A text that has the form of a token. Its checksum may be wrong.

    ``digest`` is the hash of the text, for comparison with the valid tokens. ``signed_part`` is the text before the
    checksum.
    """

    tenant_id: str
    digest: bytes
    signed_part: bytes = field(repr=False)
    checksum: str = field(repr=False)

    def matches_key(self, key: bytes) -> bool:
        """Return whether the checksum was computed with this key."""
        return compare_digest(self.checksum, _compute_checksum(self.signed_part, key))


def create_token(tenant_id: str, key: bytes) -> str:
    """Return a new token for a tenant. ``key`` signs the checksum."""
    body = f"muster_{tenant_id}_{secrets.token_urlsafe(32)}"
    return f"{body}_{_compute_checksum(body.encode(), key)}"


def parse_token(text: str) -> Token | None:
    """Return the token in ``text``, ``None`` if it has another form. The checksum is not verified."""
    match = _TOKEN_PATTERN.fullmatch(text)
    return _build_token(match) if match else None


def find_token(text: str) -> Token | None:
    """Return the first token in a longer text, ``None`` if there is none. The checksum is not verified."""
    match = _TOKEN_PATTERN.search(text)
    return _build_token(match) if match else None


def find_token_start(text: str) -> int | None:
    """Return where a token begins in the text, ``None`` if none does. An incomplete token begins at a word boundary."""
    match = _search_start(text)
    return match.start() if match else None


def find_tenant_id(text: str) -> str | None:
    """Return the tenant that a malformed token in ``text`` names, ``None`` if no token begins in the text."""
    match = _search_start(text)
    return match[1] if match else None


def hash_token(text: str) -> bytes:
    """Return the SHA-256 hash of a token."""
    return sha256(text.encode()).digest()


def _search_start(text: str) -> re.Match[str] | None:
    return _TOKEN_PATTERN.search(text) or _TOKEN_START_PATTERN.search(text)


def _build_token(match: re.Match[str]) -> Token:
    signed_part = match[0][: match.start(3) - 1 - match.start()]
    return Token(match[1], hash_token(match[0]), signed_part.encode(), match[3])


def _compute_checksum(signed_part: bytes, key: bytes) -> str:
    return hmac_digest(key, signed_part, "sha256")[:_CHECKSUM_BYTES].hex()
