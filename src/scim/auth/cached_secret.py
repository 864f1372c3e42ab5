"""Cache one secret of Secrets Manager in an execution environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from scim.auth.errors import MalformedSecret
from scim.auth.secret_reader import read_secret
from scim.aws.errors import AwsError
from scim.aws.staging_labels import AWSCURRENT
from scim.protocol.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Value = TypeVar("Value")


class CachedSecret(Generic[Value]):
    """The current value of a secret. It is read again when it is older than ``max_age_s``.

    ``secret_id`` is the name or ARN of the secret. ``now`` returns the seconds since 1970. ``parse`` converts the text
    of the secret to the value, and raises :class:`MalformedSecret` if the text was edited and cannot be parsed.
    ``unavailable_message`` is the message of the error if the secret cannot be read and no value is cached.

    If ``report_fault`` is given, a failed read does not fail a request that has a cached value. ``report_fault``
    receives the error, the cached value stays in use, and the next attempt is made after ``retry_after_s``.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        now: Callable[[], float],
        parse: Callable[[str], Value],
        *,
        max_age_s: float,
        unavailable_message: str,
        retry_after_s: float = 0.0,
        report_fault: Callable[[Exception], None] | None = None,
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._parse = parse
        self._max_age_s = max_age_s
        self._retry_after_s = retry_after_s
        self._unavailable_message = unavailable_message
        self._report_fault = report_fault
        self._value: Value | None = None
        self._read_at = float("-inf")
        self._attempted_at = float("-inf")

    def get(self) -> Value:
        """Return the value. Raise :class:`Unavailable` if it cannot be read, with the reason as its ``__cause__``."""
        now = self._now()
        is_fresh = _is_within(now - self._read_at, self._max_age_s)
        has_just_failed = _is_within(now - self._attempted_at, self._retry_after_s)
        if self._value is not None and (is_fresh or has_just_failed):
            return self._value
        self._attempted_at = now
        try:
            response = read_secret(self._client, self._secret_id, VersionStage=AWSCURRENT)
            self._value = self._parse(response.get("SecretString", ""))  # absent in a binary secret
        except (AwsError, MalformedSecret) as error:
            if self._value is None or self._report_fault is None:
                raise self.build_unavailable_error() from error
            self._report_fault(error)
            return self._value
        self._read_at = now
        return self._value

    def is_younger_than(self, seconds: float) -> bool:
        """Return whether the value was read less than ``seconds`` ago."""
        return _is_within(self._now() - self._read_at, seconds)

    def build_unavailable_error(self) -> Unavailable:
        """Return the error for a request that needs the secret when it cannot be read."""
        return Unavailable(self._unavailable_message, headers={"Retry-After": "2"})


def _is_within(age: float, limit: float) -> bool:
    """Return whether an age is below the limit. Return false for a negative age: the clock was set back."""
    return 0 <= age < limit
