"""Bearer tokens: ``muster_<tenant>_<43 base64url characters>_<32 hex digits>``.

The 43 characters are 256 random bits, the hex digits an HMAC-SHA-256 over all that precedes them, cut to 128 bits
(RFC 2104 section 5), with a key that is derived from the master key. So a token that this stack did not make is
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
_TENANT = r"muster_([a-z0-9-]{1,40})_"
# Base64url contains the separator too, so the pattern is anchored at both ends.
_TOKEN = re.compile(_TENANT + r"([A-Za-z0-9_-]{43})_([0-9a-f]{32})")
_BEGINNING = re.compile(r"(?<![A-Za-z0-9_-])" + _TENANT)


@dataclass(frozen=True, slots=True)
class Token:
    """A text of a token's form: the tenant that it names, and its digest, which is all that is kept and compared."""

    tenant: str
    digest: bytes
    signed: bytes = field(repr=False)
    checksum: str = field(repr=False)

    def is_made_with(self, key: bytes) -> bool:
        """Return whether the checksum was computed with the key."""
        return compare_digest(self.checksum, _checksum(self.signed, key))


def new(tenant_id: str, key: bytes) -> str:
    body = f"muster_{tenant_id}_{secrets.token_urlsafe(32)}"
    return f"{body}_{_checksum(body.encode(), key)}"


def parse(text: str) -> Token | None:
    """Return the token in ``text``, ``None`` for text of another form. The checksum is not verified here."""
    if not (found := _TOKEN.fullmatch(text)):
        return None
    return Token(found[1], digest(text), text[: found.start(3) - 1].encode(), found[3])


def named_tenant(text: str) -> str | None:
    """Return the tenant that a damaged token names, whatever surrounds the token; ``None`` if there is none."""
    found = _BEGINNING.search(text)
    return found[1] if found else None


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _checksum(signed: bytes, key: bytes) -> str:
    return hmac_digest(key, signed, "sha256")[:_CHECKSUM_BYTES].hex()
