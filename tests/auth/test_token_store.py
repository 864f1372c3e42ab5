"""The tokens in moto's Secrets Manager."""

import json
import time
from typing import Any

import boto3
import pytest

from scim.auth import token_format
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.master_key import MasterKey
from scim.auth.token_store import SecretsManagerTokenStore
from scim.aws.botocore_client import BotocoreClient
from scim.aws.errors import AwsError, ErrorResponse, NoResponse
from scim.protocol.errors import Unavailable
from scim.service.model.token import SecretNotFound, TokenStage
from tests.tokens import MASTER, MASTER_KEY, new_token, raise_fault

PREFIX = "muster/tests/"


@pytest.fixture
def client(aws: None) -> Any:
    return BotocoreClient(boto3.client("secretsmanager"))


@pytest.fixture
def tenant() -> str:
    """Return a tenant whose secret no other test uses."""
    return f"tenant-{time.time_ns()}"


@pytest.fixture
def store(client: Any) -> SecretsManagerTokenStore:
    return SecretsManagerTokenStore(client, PREFIX, MASTER)


def add_current(store: SecretsManagerTokenStore, tenant: str, version: str, *, keep_previous: bool = True) -> None:
    """Add a token and make it the current one."""
    store.add_pending(tenant, version, None, 60)
    assert store.promote(tenant, version, store.read_stages(tenant)[TokenStage.CURRENT], keep_previous=keep_previous)


FIRST, SECOND, THIRD = ("1" * 32, "2" * 32, "3" * 32)


def test_tenant_without_a_secret_has_no_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    assert (store.read_current(tenant), store.read_previous(tenant), store.read_stages(tenant)) == (None, None, {})


def test_secret_has_token_and_expiry(store: SecretsManagerTokenStore, client: Any, tenant: str) -> None:
    store.create_secret(tenant, FIRST, 1_900_000_000)
    current = store.read_current(tenant)

    assert current is not None
    assert (current.id, current.expires, current.grace_s) == (FIRST, 1_900_000_000, 0)
    assert abs(current.created - time.time()) < 5
    assert json.loads(client.get_secret_value(SecretId=PREFIX + tenant)["SecretString"]) == {
        "token": current.token,
        "expires": 1_900_000_000,
        "grace_s": 0,
    }


@pytest.mark.parametrize("kms_key_id", [None, "arn:aws:kms:eu-west-1:123456789012:key/00000000"])
def test_secret_has_kms_key_of_master_key(client: Any, tenant: str, kms_key_id: str | None) -> None:
    name = f"muster/master-key-of-{tenant}"
    client.create_secret(Name=name, SecretString=MASTER_KEY, **({"KmsKeyId": kms_key_id} if kms_key_id else {}))
    master = MasterKey(client, name, time.time, raise_fault)
    SecretsManagerTokenStore(client, PREFIX, master).create_secret(tenant, FIRST, None)

    assert client.describe_secret(SecretId=PREFIX + tenant).get("KmsKeyId") == kms_key_id


def test_token_belongs_to_its_tenant(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    current = store.read_current(tenant)

    assert current is not None
    parsed = token_format.parse_token(current.token)
    assert parsed is not None
    assert parsed.tenant_id == tenant
    assert store.is_genuine(parsed)
    assert current.token not in repr(current)


def test_added_token_is_pending(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)

    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST, TokenStage.PENDING: SECOND}


def test_token_is_added_once(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)
    before = store.read(tenant, SECOND)
    store.add_pending(tenant, SECOND, None, 60)

    assert store.read(tenant, SECOND) == before


def test_promotion_makes_current_token_previous(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    add_current(store, tenant, SECOND)
    current, previous = store.read_current(tenant), store.read_previous(tenant)

    assert current is not None
    assert previous is not None
    assert (current.id, current.grace_s, previous.id) == (SECOND, 60, FIRST)


def test_promotion_can_remove_previous_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    add_current(store, tenant, SECOND, keep_previous=False)

    assert store.read_previous(tenant) is None


def test_promotion_over_outdated_version_changes_nothing(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    add_current(store, tenant, SECOND)
    store.add_pending(tenant, THIRD, None, 0)

    assert store.promote(tenant, THIRD, FIRST, keep_previous=True) is False
    assert store.read_stages(tenant)[TokenStage.CURRENT] == SECOND


def test_only_pending_version_is_cancelled(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)
    store.cancel_pending(tenant, FIRST)
    before = store.read_stages(tenant)
    store.cancel_pending(tenant, SECOND)

    assert (before[TokenStage.PENDING], store.read_stages(tenant)) == (SECOND, {TokenStage.CURRENT: FIRST})


def test_deleted_secret_has_versions_and_no_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.delete_secret(tenant)
    store.delete_secret(tenant)

    assert store.read_current(tenant) is None
    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST}


def test_create_restores_deleted_secret_with_pending_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.delete_secret(tenant)
    store.create_secret(tenant, SECOND, None)

    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST, TokenStage.PENDING: SECOND}


def test_add_without_secret_is_rejected(store: SecretsManagerTokenStore, tenant: str) -> None:
    with pytest.raises(SecretNotFound):
        store.add_pending(tenant, FIRST, None, 0)


def test_delete_of_missing_secret_is_no_error(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.delete_secret(tenant)


def test_arn_of_secret_resolves_to_tenant(store: SecretsManagerTokenStore, client: Any, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    arn = client.describe_secret(SecretId=PREFIX + tenant)["ARN"]

    assert (store.resolve_tenant_id(arn), store.resolve_tenant_id(PREFIX + tenant)) == (tenant, tenant)


def test_other_secret_resolves_to_no_tenant(store: SecretsManagerTokenStore, client: Any, tenant: str) -> None:
    client.create_secret(Name=f"other/{tenant}", SecretString="x")

    for name in (f"other/{tenant}", PREFIX + tenant):
        with pytest.raises(ValueError, match="not the secret of a tenant"):
            store.resolve_tenant_id(name)


class FailingSecretsManager:
    """Secrets Manager, which raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_secret_value(self, **_: object) -> None:
        raise self.error


def build_error(code: str, status: int) -> AwsError:
    return ErrorResponse("GetSecretValue", code, status=status)


@pytest.mark.parametrize(
    "error",
    [
        build_error("InternalServiceError", 500),
        build_error("ServiceUnavailable", 503),
        build_error("ThrottlingException", 400),
        build_error("AccessDeniedException", 400),
        build_error("DecryptionFailure", 400),
        NoResponse("GetSecretValue", "ReadTimeoutError"),
    ],
    ids=lambda error: error.code,
)
def test_failure_of_secrets_manager_is_503(error: Exception, tenant: str) -> None:
    client: Any = FailingSecretsManager(error)

    with pytest.raises(Unavailable) as unavailable:
        SecretsManagerTokenStore(client, PREFIX, MASTER).read_current(tenant)

    assert unavailable.value.headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("", "the JSON"),
        ("null", "the JSON"),
        ("[]", "the JSON"),
        ("{}", "token"),
        ('{"token": 1}', "token"),
        ('{"token": "typed by hand"}', "token"),
        (json.dumps({"token": new_token("other")}), "token"),
        ('{"token": "a", "expires": "tomorrow"}', "expires"),
    ],
)
def test_damaged_secret_is_503(
    store: SecretsManagerTokenStore, client: Any, tenant: str, value: str, wrong: str
) -> None:
    """The cause of the error tells the operator what to do, without values of the secret."""
    client.create_secret(Name=PREFIX + tenant, SecretString=value or " ")

    with pytest.raises(Unavailable) as unavailable:
        store.read_current(tenant)

    cause = unavailable.value.__cause__
    assert isinstance(cause, MalformedSecret)
    assert f"{PREFIX}{tenant} cannot be read (wrong: {wrong})" in str(cause)
    assert "muster rotate" in str(cause)
    assert "typed by hand" not in str(cause)
