"""Read a secret of Secrets Manager, with a second attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim.aws.errors import AwsError, can_be_repeated

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import GetSecretValueResponseTypeDef


def read_secret(client: SecretsManagerClient, secret_id: str, **version: str) -> GetSecretValueResponseTypeDef:
    """Return a version of a secret. ``version`` is ``VersionStage`` or ``VersionId``.

    A secret is read about once a minute, so the server may have closed the kept connection at the same moment. A second
    attempt, without a pause, hides that from the identity provider. Raise :class:`AwsError` if it fails too.
    """
    try:
        return client.get_secret_value(SecretId=secret_id, **version)
    except AwsError as error:
        if not can_be_repeated(error):
            raise
    return client.get_secret_value(SecretId=secret_id, **version)
