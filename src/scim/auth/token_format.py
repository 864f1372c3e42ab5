"""Bearer tokens: ``muster_<tenant>_<43 base64url characters>_<32 hex digits>``.

The 43 characters are 256 random bits, the hex digits an HMAC-SHA-256 over everything before them, cut to 128 bits
(RFC 2104 section 5), with a key that is derived from the master key. So a token that this stack did not create is
rejected without asking AWS, secret scanners recognise the form, and the tenant is known before its secret is read.
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
# Base64url contains the separator too, so the pattern is anchored at both ends.
_TOKEN_PATTERN = re.compile(_TENANT_PATTERN + r"([A-Za-z0-9_-]{43})_([0-9a-f]{32})")
_TOKEN_START_PATTERN = re.compile(r"(?<![A-Za-z0-9_-])" + _TENANT_PATTERN)


@dataclass(frozen=True, slots=True)
class Token:
    """A text in the form of a token: the tenant that it names, and its digest, which is compared.

    ``checksum`` is over ``signed_part``, all that precedes it.
    """

    tenant_id: str
    digest: bytes
    signed_part: bytes = field(repr=False)
    checksum: str = field(repr=False)

    def matches_key(self, key: bytes) -> bool:
        """Return whether the checksum was computed with the key."""
        return compare_digest(self.checksum, _compute_checksum(self.signed_part, key))


def create_token(tenant_id: str, key: bytes) -> str:
    """Return a new token for a tenant. ``key`` is the key of the checksum."""
    body = f"muster_{tenant_id}_{secrets.token_urlsafe(32)}"
    return f"{body}_{_compute_checksum(body.encode(), key)}"


def parse_token(text: str) -> Token | None:
    """Return the token in ``text``, ``None`` for text of another form. The checksum is not verified here."""
    if not (match := _TOKEN_PATTERN.fullmatch(text)):
        return None
    return Token(match[1], hash_token(text), text[: match.start(3) - 1].encode(), match[3])


def find_tenant_id(text: str) -> str | None:
    """Return the tenant that a damaged token in a text names; ``None`` if the text holds the start of no token."""
    match = _TOKEN_START_PATTERN.search(text)
    return match[1] if match else None


def hash_token(text: str) -> bytes:
    """Return the SHA-256 hash of a token."""
    return sha256(text.encode()).digest()


def _compute_checksum(signed_part: bytes, key: bytes) -> str:
    return hmac_digest(key, signed_part, "sha256")[:_CHECKSUM_BYTES].hex()
