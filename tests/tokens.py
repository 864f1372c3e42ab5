"""The master key of the tests, and tokens that it signs."""

import secrets
import time
import uuid
from hmac import digest as hmac_digest
from typing import Any

import boto3

from scim.auth import token_format
from scim.auth.master_key.key_ring import KeyPurpose
from scim.auth.master_key.master_key import MasterKey
from tests.endpoint import ENVIRONMENT

KEY = "the master key of the tests only"
MASTER_KEY = f'{{"generation": 1, "starts": 0, "key": "{KEY}"}}'


class SecretOfTests:
    """A Secrets Manager that contains only the master key of the tests."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": MASTER_KEY}

    def describe_secret(self, **_: str) -> dict[str, str]:
        return {}


def raise_fault(fault: Exception) -> None:
    """Raise a reported fault, so that the test fails."""
    raise fault


def master_key(secret: Any = None, now: Any = time.time) -> MasterKey:
    """Return the master key of the tests, or the one in another secret."""
    client: Any = secret or SecretOfTests()
    return MasterKey(client, "muster/master-key", now, raise_fault)


MASTER = master_key()


def new_token(tenant_id: str) -> str:
    """Return a new token, signed with the master key of the tests."""
    return token_format.create_token(tenant_id, MASTER.get_signing_key(KeyPurpose.TOKEN))


def old_token(tenant_id: str) -> str:
    """Return a token as versions before 0.3 created it: without the tag of the tenant."""
    key = MASTER.get_signing_key(KeyPurpose.TOKEN)
    body = f"muster_{tenant_id}_{secrets.token_urlsafe(32)}"
    return f"{body}_{hmac_digest(key, body.encode(), 'sha256').hex()[:32]}"


def put_master_key(value: str) -> None:
    """Store a value as the current version of the master key.

    The label moves in a separate call: if a version is stored as the current one, moto keeps the label on the old one.
    """
    client, name, version = boto3.client("secretsmanager"), ENVIRONMENT["MASTER_KEY_SECRET"], str(uuid.uuid4())
    current = client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["VersionId"]
    client.put_secret_value(SecretId=name, SecretString=value, ClientRequestToken=version, VersionStages=["AWSPENDING"])
    client.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
    )
