"""Sign the cursors that clients keep for the service, with a key that is derived from the master key.

A signed text is base64url of: the second at which it was signed (4 bytes), the content, and an HMAC-SHA-256 of both and
of the tenant, cut to 16 bytes (RFC 2104 section 5). The content is not encrypted.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hmac import compare_digest, digest

from scim.auth.master_key.key_ring import KeyPurpose
from scim.auth.master_key.master_key import MasterKey
from scim.service.model.query import VerifiedCursor

_TIME, _MAC = 4, 16


class HmacCursorSigner:
    """``now`` returns the seconds since 1970.

    Raise :class:`scim.protocol.errors.Unavailable` where the master key cannot be read.
    """

    def __init__(self, master_key: MasterKey, now: Callable[[], float]) -> None:
        self._master_key = master_key
        self._now = now

    def sign(self, tenant_id: str, content: bytes) -> str:
        body = int(self._now()).to_bytes(_TIME, "big") + content
        mac = _mac(self._master_key.signing_key(KeyPurpose.CURSOR), tenant_id, body)
        return urlsafe_b64encode(body + mac).rstrip(b"=").decode()

    def verify(self, tenant_id: str, text: str) -> VerifiedCursor | None:
        try:
            sealed = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        body, mac = sealed[:-_MAC], sealed[-_MAC:]
        if len(body) < _TIME:
            return None
        if not self._master_key.verify(KeyPurpose.CURSOR, lambda key: compare_digest(mac, _mac(key, tenant_id, body))):
            return None
        return VerifiedCursor(body[_TIME:], self._now() - int.from_bytes(body[:_TIME], "big"))


def _mac(key: bytes, tenant_id: str, body: bytes) -> bytes:
    return digest(key, tenant_id.encode() + b"\0" + body, "sha256")[:_MAC]
