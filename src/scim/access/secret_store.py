"""The tenants' tokens in Secrets Manager, one secret a tenant.

The secret's value is ``{"token", "expires", "grace_s"}``: when the token ends (seconds since 1970, or null for never),
and how long the one before it stays valid after this one was made.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFault

from scim.access import tokens
from scim.protocol.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CLIENT_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False
)
_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class ValidToken:
    """What opens the tenant: the digest of a token, and until when, in seconds since 1970."""

    digest: bytes
    until: float


@dataclass(frozen=True, slots=True)
class _Version:
    token: str
    expires: float
    grace_s: float
    made: float


class SecretStore:
    def __init__(self, client: SecretsManagerClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def valid_tokens(self, tenant_id: str, now: float) -> list[ValidToken]:
        """The current token, and the previous one within its grace; none if there is no secret or it is to be deleted.

        Raises :class:`Unavailable` where Secrets Manager does not answer.
        """
        current = self._version(tenant_id, "AWSCURRENT")
        if current is None:
            return []
        valid = [ValidToken(tokens.digest(current.token), current.expires)]
        grace_ends = current.made + current.grace_s
        if now < grace_ends and (previous := self._version(tenant_id, "AWSPREVIOUS")) is not None:
            valid.append(ValidToken(tokens.digest(previous.token), min(previous.expires, grace_ends)))
        return valid

    def issue(self, tenant_id: str) -> str:
        """Make a token that is the tenant's only one from now on, in a new secret or in one that was there before."""
        token = tokens.new(tenant_id)
        name = self._prefix + tenant_id
        value = json.dumps({"token": token, "expires": None, "grace_s": 0})
        request = str(uuid.uuid4())
        try:
            self._client.create_secret(Name=name, SecretString=value, ClientRequestToken=request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceExistsException", "InvalidRequestException"):
                raise
            self._client.restore_secret(SecretId=name)
            self._client.put_secret_value(SecretId=name, SecretString=value, ClientRequestToken=request)
        return token

    def _version(self, tenant_id: str, stage: str) -> _Version | None:
        try:
            answer = self._client.get_secret_value(SecretId=self._prefix + tenant_id, VersionStage=stage)
        except ClientError as error:
            # A secret that awaits deletion is an InvalidRequestException.
            if error.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidRequestException"):
                return None
            raise _unavailable() from error
        except (ConnectionFault, HTTPClientError) as error:
            raise _unavailable() from error
        value = json.loads(answer["SecretString"])
        expires = value.get("expires")
        return _Version(
            token=value["token"],
            expires=_FOREVER if expires is None else float(expires),
            grace_s=float(value.get("grace_s") or 0),
            made=answer["CreatedDate"].timestamp(),
        )


def _unavailable() -> Unavailable:
    return Unavailable("The token could not be checked just now; send the request again.", headers={"Retry-After": "2"})
