"""The tenants' tokens in Secrets Manager, one secret a tenant.

The secret's value is ``{"token", "expires", "grace_s"}``: when the token ends (seconds since 1970, or null for never),
and how long the one before it stays valid once this one has become the current one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ValidationError

from scim.auth import tokens
from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.auth.master_key.key_ring import KeyPurpose
from scim.auth.master_key.master_key import MasterKey
from scim.aws.errors import NO_RESPONSE, error_code
from scim.aws.staging_labels import AWSCURRENT, AWSPENDING, AWSPREVIOUS
from scim.protocol.errors import Unavailable
from scim.service.model.token import SecretNotFound, TokenStage, TokenVersion

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_RECOVERY_DAYS = 7  # the shortest that Secrets Manager takes
_STAGES: Mapping[str, str] = {
    AWSCURRENT: TokenStage.CURRENT,
    AWSPREVIOUS: TokenStage.PREVIOUS,
    AWSPENDING: TokenStage.PENDING,
}


class _Value(BaseModel):
    """What a tenant's secret holds."""

    token: str
    expires: float | None = None
    grace_s: float | None = None


class TokenSecrets:
    """``prefix`` is what the names of the secrets begin with; new tokens are made with the ``master_key``."""

    def __init__(self, client: SecretsManagerClient, prefix: str, master_key: MasterKey) -> None:
        self._client = client
        self._prefix = prefix
        self._master_key = master_key

    # While requests are served

    def current(self, tenant_id: str) -> TokenVersion | None:
        """Return the current token; ``None`` if there is no secret, or it awaits its deletion.

        Raise :class:`Unavailable` where Secrets Manager does not answer, or the secret was edited and cannot be read;
        so do the others that read.
        """
        return self._get(tenant_id, VersionStage=AWSCURRENT)

    def previous(self, tenant_id: str) -> TokenVersion | None:
        """The token before it; ``None`` if there is none."""
        return self._get(tenant_id, VersionStage=AWSPREVIOUS)

    def _get(self, tenant_id: str, **version: str) -> TokenVersion | None:
        try:
            answer = self._client.get_secret_value(SecretId=self._prefix + tenant_id, **version)
        except ClientError as error:
            # A secret that awaits deletion is an InvalidRequestException.
            if error_code(error) in ("ResourceNotFoundException", "InvalidRequestException"):
                return None
            raise _unavailable() from error
        except NO_RESPONSE as error:
            raise _unavailable() from error
        value = self._parse(tenant_id, answer.get("SecretString", ""))
        return TokenVersion(
            id=answer["VersionId"],
            token=value.token,
            expires=value.expires,
            grace_s=value.grace_s or 0.0,
            created=answer["CreatedDate"].timestamp(),
        )

    def _parse(self, tenant_id: str, text: str) -> _Value:
        try:
            value = _Value.model_validate_json(text)
        except ValidationError as error:
            raise _unavailable() from self._malformed(tenant_id, list_wrong_fields(error))
        token = tokens.parse(value.token)
        if token is None or token.tenant != tenant_id:
            raise _unavailable() from self._malformed(tenant_id, "token")
        return value

    def _malformed(self, tenant_id: str, wrong: str) -> MalformedSecret:
        return MalformedSecret(
            f"The token in the secret {self._prefix}{tenant_id} cannot be read (wrong: {wrong}). Somebody has edited "
            f"the secret. Run `muster rotate {tenant_id} --grace 0`, and enter the new token at the identity provider."
        )

    def is_own(self, token: tokens.Token) -> bool:
        """Return whether the token was made with a generation of the master key that is still valid."""
        return self._master_key.verify(KeyPurpose.TOKEN, token.is_made_with)

    # With the rights of an operator, or of the rotation; errors are the SDK's

    def read(self, tenant_id: str, version: str) -> TokenVersion | None:
        """A version by its id."""
        return self._get(tenant_id, VersionId=version)

    def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:
        """Add a new token, in a secret that is made for it, or restored where it awaits its deletion."""
        try:
            self._client.create_secret(
                Name=self._prefix + tenant_id,
                Description=f"The SCIM token of {tenant_id}",
                SecretString=self._new_value(tenant_id, expires, 0),
                ClientRequestToken=version,
            )
        except ClientError as error:
            # A secret that awaits deletion is an InvalidRequestException here.
            if error_code(error) not in ("ResourceExistsException", "InvalidRequestException"):
                raise
            self.restore_secret(tenant_id)
            self.add(tenant_id, version, expires, 0)

    def add(self, tenant_id: str, version: str, expires: float | None, grace_s: float) -> None:
        """Add a new token as the pending one; does nothing if the version is there. Raises :class:`SecretNotFound`."""
        if self.read(tenant_id, version) is not None:
            return
        described = self._describe(self._prefix + tenant_id)
        if not described or described.get("DeletedDate"):
            raise SecretNotFound(tenant_id)
        self._client.put_secret_value(
            SecretId=self._prefix + tenant_id,
            SecretString=self._new_value(tenant_id, expires, grace_s),
            ClientRequestToken=version,
            VersionStages=[AWSPENDING],
        )

    def _new_value(self, tenant_id: str, expires: float | None, grace_s: float) -> str:
        token = tokens.new(tenant_id, self._master_key.signing_key(KeyPurpose.TOKEN))
        return json.dumps({"token": token, "expires": expires, "grace_s": grace_s})

    def stages(self, tenant_id: str) -> Mapping[str, str]:
        """Return the id of the version in each stage, also of a secret that awaits its deletion.

        A staging label that somebody has added by hand is a key of its own.
        """
        return _stages(self._describe(self._prefix + tenant_id))

    def promote(self, tenant_id: str, version: str, current: str | None, *, keep_previous: bool) -> bool:
        """Make a version the current one in place of ``current``; false if that one is not current any more."""
        secret = self._prefix + tenant_id
        instead: dict[str, Any] = {} if current is None else {"RemoveFromVersionId": current}
        try:
            self._client.update_secret_version_stage(
                SecretId=secret, VersionStage=AWSCURRENT, MoveToVersionId=version, **instead
            )
        except ClientError as error:
            if error_code(error) == "InvalidParameterException":
                return False
            raise
        if current is not None and not keep_previous:
            self._client.update_secret_version_stage(
                SecretId=secret, VersionStage=AWSPREVIOUS, RemoveFromVersionId=current
            )
        return True

    def drop_pending(self, tenant_id: str, version: str) -> None:
        """Take the label of the pending version away, so that another rotation can begin."""
        if self.stages(tenant_id).get(TokenStage.PENDING) == version:
            self._client.update_secret_version_stage(
                SecretId=self._prefix + tenant_id, VersionStage=AWSPENDING, RemoveFromVersionId=version
            )

    def delete_secret(self, tenant_id: str) -> None:
        """Have the secret deleted, after some days in which it opens nothing and can be restored."""
        try:
            self._client.delete_secret(SecretId=self._prefix + tenant_id, RecoveryWindowInDays=_RECOVERY_DAYS)
        except ClientError as error:
            # It awaits its deletion already (InvalidRequestException), or is gone.
            if error_code(error) not in ("ResourceNotFoundException", "InvalidRequestException"):
                raise

    def restore_secret(self, tenant_id: str) -> None:
        """Restore the secret, if it awaits its deletion."""
        if self._describe(self._prefix + tenant_id).get("DeletedDate"):
            self._client.restore_secret(SecretId=self._prefix + tenant_id)

    def tenant_of(self, secret_id: str) -> str:
        """The tenant whose secret has this name or ARN, which ends with characters of Secrets Manager's own.

        Raises ``ValueError`` for a secret that is no tenant's.
        """
        name = str(self._describe(secret_id).get("Name", ""))
        if not name.startswith(self._prefix):
            raise ValueError(f"{secret_id} is not the secret of a tenant of this deployment.")
        return name.removeprefix(self._prefix)

    def _describe(self, secret_id: str) -> Mapping[str, Any]:
        try:
            return self._client.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return {}
            raise


def _stages(described: Mapping[str, Any]) -> dict[str, str]:
    versions = described.get("VersionIdsToStages") or {}
    return {_STAGES.get(label, label): version for version, labels in versions.items() for label in labels}


def _unavailable() -> Unavailable:
    return Unavailable("The token could not be checked just now; send the request again.", headers={"Retry-After": "2"})
