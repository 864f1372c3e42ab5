"""Sign in to the console with the admin password, with a limited number of attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

from scim.service.ports import SignInAttemptStore

ATTEMPT_WINDOW_S = 900
MAX_ATTEMPTS = 5
"""The maximum number of attempts of one client in a window of :data:`ATTEMPT_WINDOW_S` seconds."""
MIN_PASSWORD_LENGTH = 20


class TooManyAttempts(Exception):
    """There were too many attempts. The next one is allowed in ``retry_s`` seconds."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_s} s.")
        self.retry_s = retry_s


class WrongPassword(Exception):
    """The password is wrong. ``attempts_left`` is the number of attempts that remain in this window."""

    def __init__(self, attempts_left: int) -> None:
        super().__init__(f"Wrong password. {attempts_left} attempts left.")
        self.attempts_left = attempts_left


class WeakPassword(Exception):
    """The password in Secrets Manager is too short to be accepted."""


@dataclass(frozen=True, slots=True)
class PasswordSignIn:
    """Verifies the admin password, and limits the attempts of each client.

    ``read_password`` returns the admin password. ``now`` returns the seconds since 1970.
    """

    attempt_store: SignInAttemptStore
    read_password: Callable[[], str]
    now: Callable[[], float]

    def verify(self, password: str, address: str) -> None:
        """Raise :class:`WrongPassword` unless ``password`` is the admin password.

        ``address`` is the client's IP address. The attempt is counted before the passwords are compared, so that
        parallel attempts are limited too. Raise :class:`TooManyAttempts` and :class:`WeakPassword`.
        """
        now, source = int(self.now()), _hash_network(address)
        window = now // ATTEMPT_WINDOW_S
        window_end = (window + 1) * ATTEMPT_WINDOW_S
        attempts = self.attempt_store.count_attempt(source, window, window_end)
        if attempts > MAX_ATTEMPTS:
            raise TooManyAttempts(window_end - now)
        expected = self.read_password()
        if len(expected) < MIN_PASSWORD_LENGTH:
            raise WeakPassword
        if not compare_digest(password.encode(errors="replace"), expected.encode()):
            raise WrongPassword(MAX_ATTEMPTS - attempts)
        self.attempt_store.reset_attempts(source, window)


def _hash_network(address: str) -> str:
    """Return a hash of the client's network: its IPv4 address, or its IPv6 network of 64 bits.

    A client can use all addresses of such an IPv6 network.
    """
    parsed = ip_address(address)
    network = parsed.packed[:8] if isinstance(parsed, IPv6Address) else parsed.packed
    return sha256(network).hexdigest()[:32]
