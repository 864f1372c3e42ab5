"""Bearer tokens: ``muster_<tenant>_<43 base64url characters>_<8 hex digits of CRC-32>``.

Secret scanners recognise the form, a mistyped token is refused without asking AWS, and the tenant is known before the
secret is read. 43 characters of base64url carry 256 random bits.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from zlib import crc32

# Base64url holds the separator too, so the form is read from both ends.
_FORM = re.compile(r"muster_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Token:
    """A well-formed token: whose it claims to be, and its digest, which is all that is kept and compared."""

    tenant: str
    digest: bytes


def new(tenant_id: str) -> str:
    body = f"muster_{tenant_id}_{secrets.token_urlsafe(32)}"
    return f"{body}_{_checksum(body)}"


def parse(text: str) -> Token | None:
    """The token in ``text``, or ``None`` for anything that this service has never made."""
    if not (found := _FORM.fullmatch(text)):
        return None
    if found.group(3) != _checksum(text[: found.start(3) - 1]):
        return None
    return Token(found.group(1), digest(text))


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return f"{crc32(body.encode()):08x}"
