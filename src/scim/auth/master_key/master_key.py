"""Read the master key of the stack. The keys for tokens, cursors and console sessions are derived from it.

A new generation starts to sign :data:`START_DELAY_S` after it is written. By then each execution environment either has
read it, or has a cached copy that is too old to reject a signature (:data:`MAX_STALENESS_S`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from scim.auth.cached_secret import CachedSecret
from scim.auth.master_key.key_ring import KeyPurpose, KeyRing, parse_key_ring

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_CACHE_AGE_S = 300.0
"""The age at which an execution environment reads the secret again."""
MAX_STALENESS_S = 600.0
"""The age at which a cached copy may lack a generation that already signs, and so must not reject a signature."""
START_DELAY_S = 1_800.0
"""The time from writing a generation until it starts to sign.

It is the sum of :data:`MAX_STALENESS_S`, 15 minutes for a wrong clock of the writer, and a reserve of 5 minutes. AWS
rejects requests from a clock that is wrong by more than 5 minutes, in some services by more than 15 minutes.
"""
_RETRY_INTERVAL_S = 10.0
"""The time between two attempts to read the secret if Secrets Manager does not respond."""


class MasterKey:
    """The master key, cached for :data:`MAX_CACHE_AGE_S`.

    ``secret_id`` is the name or ARN of the secret. ``now`` returns the seconds since 1970. If the secret cannot be read
    again, ``report_fault`` receives the error, and the cached generations stay in use.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        now: Callable[[], float],
        report_fault: Callable[[Exception], None],
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._secret = CachedSecret(
            client,
            secret_id,
            now,
            partial(parse_key_ring, secret_id=secret_id),
            max_age_s=MAX_CACHE_AGE_S,
            unavailable_message="The token could not be checked, because the service cannot read its master key. "
            "Send the request again.",
            retry_after_s=_RETRY_INTERVAL_S,
            report_fault=report_fault,
        )

    def get_signing_key(self, purpose: KeyPurpose) -> bytes:
        """Return the key that signs now for a purpose.

        Raise :class:`Unavailable` if the secret cannot be read and is not cached.
        """
        return self.get_key_ring().find_signing_generation(self._now()).derive(purpose)

    def verify_signature(self, purpose: KeyPurpose, is_match: Callable[[bytes], bool]) -> bool:
        """Return whether a signature was made with one of the keys for a purpose.

        ``is_match`` receives a key, and returns whether the signature was made with it. Raise :class:`Unavailable` if
        no key matches, but the cached secret is so old that it may lack the right key.
        """
        if any(is_match(key) for key in self.get_key_ring().derive_keys(purpose)):
            return True
        if not self._secret.is_younger_than(MAX_STALENESS_S):
            raise self._secret.build_unavailable_error()
        return False

    def get_key_ring(self) -> KeyRing:
        """Return the generations. Raise :class:`Unavailable` if the secret cannot be read and is not cached."""
        return self._secret.get()

    def read_kms_key_id(self) -> str | None:
        """Return the KMS key that encrypts the secret, ``None`` for the AWS managed key of Secrets Manager.

        Only operators may call this. It also raises :class:`scim.aws.errors.AwsError`.
        """
        return self._client.describe_secret(SecretId=self._secret_id).get("KmsKeyId")
