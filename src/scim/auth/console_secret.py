"""A secret of the console: the operator's password, or the OpenID provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFault

from scim.auth.authentication import CACHE_S
from scim.protocol.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class ConsoleSecret:
    """``secret_id`` is its name or ARN; ``now`` gives the seconds since 1970. Kept for a minute at most."""

    def __init__(self, client: SecretsManagerClient, secret_id: str, now: Callable[[], float]) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._value = ""
        self._read = float("-inf")

    def value(self) -> str:
        """Raises :class:`Unavailable` where Secrets Manager does not answer."""
        now = self._now()
        if now - self._read >= CACHE_S:
            try:
                answer = self._client.get_secret_value(SecretId=self._secret_id)
            except (ClientError, ConnectionFault, HTTPClientError) as error:
                raise Unavailable("Nobody can sign in just now; try again.", headers={"Retry-After": "2"}) from error
            self._value, self._read = answer["SecretString"], now
        return self._value
