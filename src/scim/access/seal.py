"""Seals what clients keep for the service, with a key of the stack's own.

A sealed text is base64url of: the second at which it was sealed (4 bytes), the content, an HMAC-SHA-256 of both and of
the tenant, cut to 16 bytes (RFC 2104 section 5). It can be read by anyone and made by nobody else.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hmac import compare_digest, digest
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFault

from scim.access.authentication import CACHE_S
from scim.protocol.errors import Unavailable
from scim.service.ports import Opened

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_TIME, _MAC = 4, 16
# What does not open may have been sealed with a newer key than the one that is cached.
_FRESH_S = 5.0


class Seal:
    """``secret_id`` names the secret that holds the key; ``now`` gives the seconds since 1970.

    Raises :class:`Unavailable` where Secrets Manager does not answer.
    """

    def __init__(self, client: SecretsManagerClient, secret_id: str, now: Callable[[], float]) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._key = b""
        self._read = float("-inf")

    def seal(self, tenant_id: str, content: bytes) -> str:
        body = int(self._now()).to_bytes(_TIME, "big") + content
        return urlsafe_b64encode(body + self._mac(tenant_id, body, CACHE_S)).rstrip(b"=").decode()

    def open(self, tenant_id: str, text: str) -> Opened | None:
        try:
            sealed = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        body, mac = sealed[:-_MAC], sealed[-_MAC:]
        for oldest in (CACHE_S, _FRESH_S):
            if len(body) >= _TIME and compare_digest(mac, self._mac(tenant_id, body, oldest)):
                return Opened(body[_TIME:], self._now() - int.from_bytes(body[:_TIME], "big"))
        return None

    def _mac(self, tenant_id: str, body: bytes, oldest: float) -> bytes:
        now = self._now()
        if now - self._read >= oldest:
            self._key, self._read = self._secret(), now
        return digest(self._key, tenant_id.encode() + b"\0" + body, "sha256")[:_MAC]

    def _secret(self) -> bytes:
        try:
            return self._client.get_secret_value(SecretId=self._secret_id)["SecretString"].encode()
        except (ClientError, ConnectionFault, HTTPClientError) as error:
            raise Unavailable(
                "Cursors can't be sealed just now; send the request again.", headers={"Retry-After": "2"}
            ) from error
