"""The master key of the stack: the keys for tokens, cursors and console sessions are derived from it.

A new generation starts :data:`START_DELAY_S` after it is written. By then each execution environment has read it, or
knows that its own copy of the secret is too old to reject anything.
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
"""A copy of the secret that is older than this may lack a generation that already signs."""
START_DELAY_S = 1_800.0
"""The time from writing a generation to its start.

It is :data:`MAX_STALENESS_S`, 15 minutes for the clock of the writer, and 5 to spare.
AWS rejects requests whose time is wrong by more than 5 minutes, some services only by more than 15.
"""
_RETRY_INTERVAL_S = 10.0
"""The time between two attempts to read the secret while Secrets Manager does not answer."""


class MasterKey:
    """The master key, cached for :data:`MAX_CACHE_AGE_S`.

    ``secret_id`` is the name or ARN of the secret, ``now`` returns the seconds since 1970. ``report_fault`` receives
    the error when the secret cannot be read again; the cached generations stay in use then.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        now: Callable[[], float],
        report_fault: Callable[[Exception], None],
    ) -> None:
        self._now = now
        self._secret = CachedSecret(
            client,
            secret_id,
            now,
            partial(parse_key_ring, secret_id=secret_id),
            max_age_s=MAX_CACHE_AGE_S,
            unavailable_message="The request could not be checked because the endpoint cannot read its master key; "
            "send it again.",
            retry_after_s=_RETRY_INTERVAL_S,
            report_fault=report_fault,
        )

    def get_signing_key(self, purpose: KeyPurpose) -> bytes:
        """Return the key to sign with now. Raise :class:`Unavailable` if the secret was never read."""
        return self.get_key_ring().find_signing_generation(self._now()).derive(purpose)

    def verify_signature(self, purpose: KeyPurpose, is_match: Callable[[bytes], bool]) -> bool:
        """Return whether ``is_match`` accepts one of the keys: the signature was made with that key.

        Raise :class:`Unavailable` if it accepts none and the cached secret may lack the right one.
        """
        if any(is_match(key) for key in self.get_key_ring().derive_keys(purpose)):
            return True
        if not self._secret.is_younger_than(MAX_STALENESS_S):
            raise self._secret.build_unavailable_error()
        return False

    def get_key_ring(self) -> KeyRing:
        """Return the generations. Raise :class:`Unavailable` if the secret was never read."""
        return self._secret.get()
