"""Create and parse bearer tokens of the form ``muster_<tenant>_<secret>_<checksum>``.

- The secret has 43 base64url characters. The first 11 are the tag of the tenant, the others are 192 random bits.
- The tag is an HMAC-SHA-256 of ``muster_<tenant>_``, truncated to 64 bits (RFC 2104 section 5). The tokens of earlier
  versions have random bits there.
- The checksum is an HMAC-SHA-256 of all that precedes it, truncated to 128 bits, as 32 hex digits.

The key of both is derived from the master key.

This form has four advantages. A token that this stack did not create is rejected without a call to AWS. The beginning
of a token proves that this stack created it, so that a token that is cut short is reported to its tenant. Secret
scanners recognize the form. The tenant is known before its secret is read.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

_TAG_BYTES = 8
_TAG_LENGTH = 11
_RANDOM_BYTES = 24
_CHECKSUM_BYTES = 16
_END_LENGTH = 43 + 1 + 2 * _CHECKSUM_BYTES
"""The number of characters after ``muster_<tenant>_``."""
_TENANT_PATTERN = r"muster_([a-z0-9-]{1,40})_"
# Base64url contains the underscore too, so a token must match as a whole.
_TOKEN_PATTERN = re.compile(_TENANT_PATTERN + r"([A-Za-z0-9_-]{43})_([0-9a-f]{32})")
_SHORT_TOKEN_PATTERN = re.compile(_TENANT_PATTERN + rf"[A-Za-z0-9_-]{{0,{_END_LENGTH - 1}}}")
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


@dataclass(frozen=True, slots=True)
class TokenStart:
    """The beginning of a text that may be a token: the tenant that it names, and the tag of the tenant.

    The tag may be wrong. It is shorter than 11 characters if the text ends there.
    """

    tenant_id: str
    tag: str = field(repr=False)

    def matches_key(self, key: bytes) -> bool:
        """Return whether the tag was computed with this key."""
        return compare_digest(self.tag.encode(errors="surrogatepass"), _compute_tag(self.tenant_id, key).encode())


def create_token(tenant_id: str, key: bytes) -> str:
    """Return a new token for a tenant. ``key`` signs the tag and the checksum."""
    body = f"muster_{tenant_id}_{_compute_tag(tenant_id, key)}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    return f"{body}_{_compute_checksum(body.encode(), key)}"


def parse_token(text: str) -> Token | None:
    """Return the token in ``text``, ``None`` if it has another form. The checksum is not verified."""
    match = _TOKEN_PATTERN.fullmatch(text)
    return _build_token(match) if match else None


def find_token(text: str) -> Token | None:
    """Return the first token in a longer text, ``None`` if there is none. The checksum is not verified."""
    match = _TOKEN_PATTERN.search(text)
    return _build_token(match) if match else None


def is_cut_short(text: str) -> bool:
    """Return whether ``text`` is the beginning of a token, without its end."""
    return _SHORT_TOKEN_PATTERN.fullmatch(text) is not None


def find_position(text: str) -> int | None:
    """Return where a token begins in the text, ``None`` if none does. An incomplete token begins at a word boundary."""
    match = _search_start(text)
    return match.start() if match else None


def find_start(text: str) -> TokenStart | None:
    """Return the beginning of a malformed token in ``text``, ``None`` if no token begins in the text."""
    match = _search_start(text)
    return TokenStart(match[1], text[match.end(1) + 1 :][:_TAG_LENGTH]) if match else None


def hash_token(text: str) -> bytes:
    """Return the SHA-256 hash of a token."""
    return sha256(text.encode()).digest()


def _search_start(text: str) -> re.Match[str] | None:
    return _TOKEN_PATTERN.search(text) or _TOKEN_START_PATTERN.search(text)


def _build_token(match: re.Match[str]) -> Token:
    signed_part = match[0][: match.start(3) - 1 - match.start()]
    return Token(match[1], hash_token(match[0]), signed_part.encode(), match[3])


def _compute_tag(tenant_id: str, key: bytes) -> str:
    tag = hmac_digest(key, f"muster_{tenant_id}_".encode(), "sha256")[:_TAG_BYTES]
    return urlsafe_b64encode(tag).rstrip(b"=").decode()


def _compute_checksum(signed_part: bytes, key: bytes) -> str:
    return hmac_digest(key, signed_part, "sha256")[:_CHECKSUM_BYTES].hex()
