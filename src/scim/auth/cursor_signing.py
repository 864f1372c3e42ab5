"""Sign cursors with a key that is derived from the master key, and verify the cursors that clients send back.

A signed cursor is the base64url encoding of three parts:

1. the time of the signature, in seconds since 1970 (4 bytes);
2. the content, which is not encrypted;
3. an HMAC-SHA-256 of the tenant id and of both other parts, truncated to 16 bytes (RFC 2104 section 5).
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hmac import compare_digest, digest

from scim.auth.master_key.key_ring import KeyPurpose
from scim.auth.master_key.master_key import MasterKey
from scim.service.model.query import VerifiedCursor

_TIME_BYTES, _MAC_BYTES = 4, 16


class HmacCursorSigner:
    """Signs and verifies cursors. ``now`` returns the seconds since 1970.

    Both methods raise :class:`scim.protocol.errors.Unavailable` if the master key cannot be read.
    """

    def __init__(self, master_key: MasterKey, now: Callable[[], float]) -> None:
        self._master_key = master_key
        self._now = now

    def sign(self, tenant_id: str, content: bytes) -> str:
        """Return a signed cursor for a tenant."""
        body = int(self._now()).to_bytes(_TIME_BYTES, "big") + content
        mac = _compute_mac(self._master_key.get_signing_key(KeyPurpose.CURSOR), tenant_id, body)
        return urlsafe_b64encode(body + mac).rstrip(b"=").decode()

    def verify(self, tenant_id: str, text: str) -> VerifiedCursor | None:
        """Return the content and the age of a cursor, ``None`` if this stack did not sign it for the tenant."""
        try:
            signed = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        body, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if len(body) < _TIME_BYTES:
            return None
        if not self._master_key.verify_signature(
            KeyPurpose.CURSOR, lambda key: compare_digest(mac, _compute_mac(key, tenant_id, body))
        ):
            return None
        return VerifiedCursor(body[_TIME_BYTES:], self._now() - int.from_bytes(body[:_TIME_BYTES], "big"))


def _compute_mac(key: bytes, tenant_id: str, body: bytes) -> bytes:
    return digest(key, tenant_id.encode() + b"\0" + body, "sha256")[:_MAC_BYTES]
