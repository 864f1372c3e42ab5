"""Signing in to the console with the operator's password, and how often somebody may try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

from scim.service.ports import LoginAttemptStore

WINDOW_S = 900
MAX_ATTEMPTS = 5
MIN_PASSWORD = 20


class TooManyAttempts(Exception):
    """Another attempt may be made in ``retry_s`` seconds."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"too many attempts; wait {retry_s} s")
        self.retry_s = retry_s


class WeakPassword(Exception):
    """The password in Secrets Manager could be guessed: nobody gets in until there is a better one."""


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """``password`` reads the operator's password, ``now`` gives the seconds since 1970."""

    attempts: LoginAttemptStore
    password: Callable[[], str]
    now: Callable[[], float]

    def check(self, given: str, address: str) -> bool:
        """Whether this is the password. An attempt is counted before it is judged, so that many at once don't help.

        Raises :class:`TooManyAttempts` and :class:`WeakPassword`.
        """
        now, source = int(self.now()), _source(address)
        window = now // WINDOW_S
        end = (window + 1) * WINDOW_S
        if self.attempts.count_attempt(source, window, end) > MAX_ATTEMPTS:
            raise TooManyAttempts(end - now)
        password = self.password()
        if len(password) < MIN_PASSWORD:
            raise WeakPassword
        is_right = compare_digest(given.encode(errors="replace"), password.encode())
        if is_right:
            self.attempts.reset_attempts(source, window)
        return is_right


def _source(address: str) -> str:
    """A digest of where the attempt comes from; of an IPv6 address the network, since one visitor has all of it."""
    parsed = ip_address(address)
    network = parsed.packed[:8] if isinstance(parsed, IPv6Address) else parsed.packed
    return sha256(network).hexdigest()[:32]
