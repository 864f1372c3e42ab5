"""Store the tenants' tokens in Secrets Manager: one secret for each tenant.

The value of a secret is a JSON object:

- ``token``: the token, or null in the version that replaces revoked ones;
- ``expires``: when it expires, in seconds since 1970, or null for never;
- ``grace_s``: the number of seconds for which the previous token stays valid after this version becomes current.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_core import ValidationError, core_schema

from scim.auth import token_format
from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.auth.master_key.key_ring import KeyPurpose
from scim.auth.master_key.master_key import MasterKey
from scim.auth.secret_reader import read_secret
from scim.aws.errors import AwsError, ErrorResponse
from scim.aws.staging_labels import AWSCURRENT, AWSPENDING, AWSPREVIOUS
from scim.protocol.document import Members, ValidatedDocument, member, nullable
from scim.protocol.errors import Unavailable
from scim.service.model.token import SecretNotFound, TokenStage, TokenVersion

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_EMPTY_VALUE = json.dumps({"token": None, "expires": None, "grace_s": 0})
_NO_SECRET_CODES = ("ResourceNotFoundException", "InvalidRequestException")
_RECOVERY_DAYS = 7  # the minimum of Secrets Manager
_STAGES: Mapping[str, str] = {
    AWSCURRENT: TokenStage.CURRENT,
    AWSPREVIOUS: TokenStage.PREVIOUS,
    AWSPENDING: TokenStage.PENDING,
}


class _TokenDocument(ValidatedDocument):
    """The JSON in a tenant's secret."""

    MEMBERS: ClassVar[Members] = {
        "token": member(nullable(core_schema.str_schema())),
        "expires": member(nullable(core_schema.float_schema()), None),
        "grace_s": member(nullable(core_schema.float_schema()), None),
    }
    token: str | None
    expires: float | None
    grace_s: float | None


class SecretsManagerTokenStore:
    """The tokens of all tenants. The name of a secret is ``prefix`` followed by the tenant's id.

    The checksums of tokens are signed with keys that are derived from ``master_key``.
    """

    def __init__(self, client: SecretsManagerClient, prefix: str, master_key: MasterKey) -> None:
        self._client = client
        self._prefix = prefix
        self._master_key = master_key

    # For requests of identity providers

    def read_current(self, tenant_id: str) -> TokenVersion | None:
        """Return the current token, ``None`` if there is no secret or it is scheduled for deletion.

        Raise :class:`Unavailable` if Secrets Manager does not respond, or if the secret was edited by hand and cannot
        be parsed. The other methods that read a token raise the same error.
        """
        return self._read_version(tenant_id, VersionStage=AWSCURRENT)

    def read_previous(self, tenant_id: str) -> TokenVersion | None:
        """Return the previous token, ``None`` if there is none."""
        return self._read_version(tenant_id, VersionStage=AWSPREVIOUS)

    def _read_version(self, tenant_id: str, **version_selector: str) -> TokenVersion | None:
        try:
            response = read_secret(self._client, self._prefix + tenant_id, **version_selector)
        except AwsError as error:
            # InvalidRequestException: the secret is scheduled for deletion.
            if isinstance(error, ErrorResponse) and error.code in _NO_SECRET_CODES:
                return None
            raise _build_unavailable_error() from error
        value = self._parse(tenant_id, response.get("SecretString", ""))
        return TokenVersion(
            id=response["VersionId"],
            token=value.token or "",
            expires=value.expires,
            grace_s=value.grace_s or 0.0,
            created=response["CreatedDate"].timestamp(),
        )

    def _parse(self, tenant_id: str, text: str) -> _TokenDocument:
        try:
            value = _TokenDocument.from_json(text)
        except ValidationError as error:
            raise _build_unavailable_error() from self._build_malformed_error(tenant_id, list_wrong_fields(error))
        if value.token is None:
            return value
        token = token_format.parse_token(value.token)
        if token is None or token.tenant_id != tenant_id:
            raise _build_unavailable_error() from self._build_malformed_error(tenant_id, "token")
        return value

    def _build_malformed_error(self, tenant_id: str, wrong: str) -> MalformedSecret:
        return MalformedSecret(
            f"The token in the secret {self._prefix}{tenant_id} cannot be read (wrong: {wrong}). The secret "
            f"was edited. Run `muster rotate {tenant_id} --grace 0`, and enter the new token at the identity provider."
        )

    def is_genuine(self, token: token_format.Token | token_format.TokenStart) -> bool:
        """Return whether this stack created the token, with a generation of the master key that still exists.

        For the start of a token, return whether this stack has created tokens for this tenant.
        """
        return self._master_key.verify_signature(KeyPurpose.TOKEN, token.matches_key)

    # For operators and for rotation, which have more permissions. These methods also raise :class:`AwsError`.

    def read(self, tenant_id: str, version_id: str) -> TokenVersion | None:
        """Return a version of the secret by its id, ``None`` if there is none."""
        return self._read_version(tenant_id, VersionId=version_id)

    def create_secret(self, tenant_id: str, version_id: str, expires: float | None) -> None:
        """Add a new token to the tenant's secret. Create the secret, or restore it, if necessary.

        A new secret is encrypted with the same KMS key as the master key. In an existing secret the token becomes the
        pending version. ``expires`` is in seconds since 1970, ``None`` for never. Raise :class:`SecretNotFound` if the
        secret is deleted at the same moment.
        """
        kms_key_id = self._master_key.read_kms_key_id()
        encryption: Mapping[str, Any] = {"KmsKeyId": kms_key_id} if kms_key_id else {}
        try:
            self._client.create_secret(
                Name=self._prefix + tenant_id,
                Description=f"The SCIM token of {tenant_id}",
                SecretString=self._create_value(tenant_id, expires, 0),
                ClientRequestToken=version_id,
                **encryption,
            )
        except ErrorResponse as error:
            # InvalidRequestException: the secret is scheduled for deletion.
            if error.code not in ("ResourceExistsException", "InvalidRequestException"):
                raise
            self.restore_secret(tenant_id)
            self.add_pending(tenant_id, version_id, expires, 0)

    def add_pending(self, tenant_id: str, version_id: str, expires: float | None, grace_s: float) -> None:
        """Add a new token as the pending version. Do nothing if the version exists.

        Raise :class:`SecretNotFound` if there is no secret, or it is scheduled for deletion.
        """
        if self.read(tenant_id, version_id) is not None:
            return
        description = self._describe_secret(self._prefix + tenant_id)
        if not description or description.get("DeletedDate"):
            raise SecretNotFound(tenant_id)
        self._client.put_secret_value(
            SecretId=self._prefix + tenant_id,
            SecretString=self._create_value(tenant_id, expires, grace_s),
            ClientRequestToken=version_id,
            VersionStages=[AWSPENDING],
        )

    def _create_value(self, tenant_id: str, expires: float | None, grace_s: float) -> str:
        token = token_format.create_token(tenant_id, self._master_key.get_signing_key(KeyPurpose.TOKEN))
        return json.dumps({"token": token, "expires": expires, "grace_s": grace_s})

    def read_stages(self, tenant_id: str) -> Mapping[str, str]:
        """Return the id of the version in each stage (:class:`TokenStage`); empty if there is no secret.

        A secret that is scheduled for deletion has stages too. Staging labels that an operator has added by hand are
        included under their own names.
        """
        return _parse_stages(self._describe_secret(self._prefix + tenant_id))

    def promote(self, tenant_id: str, version_id: str, current_id: str | None, *, keep_previous: bool) -> bool:
        """Make a version the current one, and return whether that succeeded.

        It fails if ``current_id`` is no longer the current version (``None`` for no current version). Unless
        ``keep_previous``, the replaced version loses its stage, so that its token becomes invalid.
        """
        secret = self._prefix + tenant_id
        removal: dict[str, Any] = {} if current_id is None else {"RemoveFromVersionId": current_id}
        try:
            self._client.update_secret_version_stage(
                SecretId=secret, VersionStage=AWSCURRENT, MoveToVersionId=version_id, **removal
            )
        except ErrorResponse as error:
            if error.code == "InvalidParameterException":
                return False
            raise
        if current_id is not None and not keep_previous:
            self._client.update_secret_version_stage(
                SecretId=secret, VersionStage=AWSPREVIOUS, RemoveFromVersionId=current_id
            )
        return True

    def cancel_pending(self, tenant_id: str, version_id: str) -> None:
        """Remove the stage of a pending version, so that another rotation can start."""
        if self.read_stages(tenant_id).get(TokenStage.PENDING) == version_id:
            self._client.update_secret_version_stage(
                SecretId=self._prefix + tenant_id, VersionStage=AWSPENDING, RemoveFromVersionId=version_id
            )

    def remove_versions(self, tenant_id: str, version_ids: Collection[str], empty_version_id: str) -> None:
        """Take the stages from versions, so that no settings can make their tokens valid again.

        If the current version is one of them, a version without a token replaces it, because a secret always has a
        current version. ``empty_version_id`` is the id of this version. Do nothing if there is no secret, or it is
        scheduled for deletion.
        """
        description = self._describe_secret(self._prefix + tenant_id)
        if not description or description.get("DeletedDate"):
            return
        pending_id = _parse_stages(description).get(TokenStage.PENDING)
        if pending_id and pending_id in version_ids:
            self.cancel_pending(tenant_id, pending_id)
        while (current_id := self.read_stages(tenant_id).get(TokenStage.CURRENT)) in version_ids:
            self._client.put_secret_value(
                SecretId=self._prefix + tenant_id,
                SecretString=_EMPTY_VALUE,
                ClientRequestToken=empty_version_id,
                VersionStages=[AWSPENDING],
            )
            self.promote(tenant_id, empty_version_id, current_id, keep_previous=False)
            self.cancel_pending(tenant_id, empty_version_id)
        previous_id = self.read_stages(tenant_id).get(TokenStage.PREVIOUS)
        if previous_id and previous_id in version_ids:
            self._client.update_secret_version_stage(
                SecretId=self._prefix + tenant_id, VersionStage=AWSPREVIOUS, RemoveFromVersionId=previous_id
            )

    def delete_secret(self, tenant_id: str) -> None:
        """Schedule the secret for deletion. Its tokens become invalid immediately. The secret can still be restored."""
        try:
            self._client.delete_secret(SecretId=self._prefix + tenant_id, RecoveryWindowInDays=_RECOVERY_DAYS)
        except ErrorResponse as error:
            # The secret does not exist, or is already scheduled for deletion (InvalidRequestException).
            if error.code not in ("ResourceNotFoundException", "InvalidRequestException"):
                raise

    def restore_secret(self, tenant_id: str) -> None:
        """Restore the secret if it is scheduled for deletion."""
        if self._describe_secret(self._prefix + tenant_id).get("DeletedDate"):
            self._client.restore_secret(SecretId=self._prefix + tenant_id)

    def destroy_secret(self, tenant_id: str) -> None:
        """Delete the secret immediately, also if it is scheduled for deletion. It cannot be restored."""
        try:
            self._client.delete_secret(SecretId=self._prefix + tenant_id, ForceDeleteWithoutRecovery=True)
        except ErrorResponse as error:
            if error.code != "ResourceNotFoundException":
                raise

    def resolve_tenant_id(self, secret_id: str) -> str:
        """Return the id of the tenant whose secret has this name or ARN.

        The name is read from Secrets Manager, because an ARN ends with random characters. Raise ``ValueError`` if the
        secret does not belong to a tenant.
        """
        name = str(self._describe_secret(secret_id).get("Name", ""))
        if not name.startswith(self._prefix):
            raise ValueError(f"{secret_id} is not the secret of a tenant of this deployment.")
        return name.removeprefix(self._prefix)

    def _describe_secret(self, secret_id: str) -> Mapping[str, Any]:
        try:
            return self._client.describe_secret(SecretId=secret_id)
        except ErrorResponse as error:
            if error.code == "ResourceNotFoundException":
                return {}
            raise


def _parse_stages(description: Mapping[str, Any]) -> dict[str, str]:
    versions = description.get("VersionIdsToStages") or {}
    return {_STAGES.get(label, label): version for version, labels in versions.items() for label in labels}


def _build_unavailable_error() -> Unavailable:
    return Unavailable(
        "The token could not be checked at the moment. Send the request again.", headers={"Retry-After": "2"}
    )
