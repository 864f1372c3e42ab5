"""The tokens in Secrets Manager, as moto plays it."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from scim.access import tokens
from scim.access.secret_store import SecretStore, ValidToken
from scim.protocol.errors import Unavailable

PREFIX = "muster/tests/"
FOREVER = float("inf")


@pytest.fixture
def client(aws: None) -> Any:
    return boto3.client("secretsmanager")


@pytest.fixture
def tenant() -> str:
    """A tenant whose secret no other test knows."""
    return f"tenant-{time.time_ns()}"


@pytest.fixture
def store(client: Any) -> SecretStore:
    return SecretStore(client, PREFIX)


def rotate(client: Any, tenant: str, *, expires: float | None = None, grace_s: float = 0) -> str:
    """A further token, put there as the rotation does it."""
    token = tokens.new(tenant)
    value = json.dumps({"token": token, "expires": expires, "grace_s": grace_s})
    client.put_secret_value(SecretId=PREFIX + tenant, SecretString=value)
    return token


def digests(valid: list[ValidToken]) -> list[bytes]:
    return [each.digest for each in valid]


def test_issued_token_is_valid_for_ever(store: SecretStore, tenant: str) -> None:
    token = store.issue(tenant)

    assert store.valid_tokens(tenant, time.time()) == [ValidToken(tokens.digest(token), FOREVER)]


def test_tenant_without_a_secret_has_no_valid_token(store: SecretStore, tenant: str) -> None:
    assert store.valid_tokens(tenant, time.time()) == []


def test_secret_is_named_for_its_tenant(store: SecretStore, client: Any, tenant: str) -> None:
    token = store.issue(tenant)

    assert json.loads(client.get_secret_value(SecretId=PREFIX + tenant)["SecretString"]) == {
        "token": token,
        "expires": None,
        "grace_s": 0,
    }


def test_secret_that_awaits_its_deletion_opens_nothing(store: SecretStore, client: Any, tenant: str) -> None:
    store.issue(tenant)
    client.delete_secret(SecretId=PREFIX + tenant, RecoveryWindowInDays=7)

    assert store.valid_tokens(tenant, time.time()) == []


def test_issuing_restores_a_secret_that_awaits_its_deletion(store: SecretStore, client: Any, tenant: str) -> None:
    before = store.issue(tenant)
    client.delete_secret(SecretId=PREFIX + tenant, RecoveryWindowInDays=7)

    token = store.issue(tenant)

    assert token != before
    assert digests(store.valid_tokens(tenant, time.time())) == [tokens.digest(token)]


def test_issuing_again_ends_the_token_before_at_once(store: SecretStore, tenant: str) -> None:
    store.issue(tenant)
    token = store.issue(tenant)

    assert digests(store.valid_tokens(tenant, time.time())) == [tokens.digest(token)]


def test_rotation_without_grace_ends_the_token_before_at_once(store: SecretStore, client: Any, tenant: str) -> None:
    store.issue(tenant)
    token = rotate(client, tenant, grace_s=0)

    assert digests(store.valid_tokens(tenant, time.time())) == [tokens.digest(token)]


def test_token_before_is_valid_until_its_grace_ends(store: SecretStore, client: Any, tenant: str) -> None:
    before = store.issue(tenant)
    token = rotate(client, tenant, grace_s=3_600)
    made = client.get_secret_value(SecretId=PREFIX + tenant)["CreatedDate"].timestamp()

    assert store.valid_tokens(tenant, made + 3_599) == [
        ValidToken(tokens.digest(token), FOREVER),
        ValidToken(tokens.digest(before), made + 3_600),
    ]
    assert digests(store.valid_tokens(tenant, made + 3_600)) == [tokens.digest(token)]


def test_grace_does_not_prolong_a_token_that_expires_before(store: SecretStore, client: Any, tenant: str) -> None:
    store.issue(tenant)
    soon = time.time() + 60
    before = rotate(client, tenant, expires=soon)
    rotate(client, tenant, grace_s=3_600)

    _, previous = store.valid_tokens(tenant, time.time())

    assert previous == ValidToken(tokens.digest(before), soon)


def test_token_but_two_is_never_valid(store: SecretStore, client: Any, tenant: str) -> None:
    oldest = store.issue(tenant)
    rotate(client, tenant, grace_s=3_600)
    rotate(client, tenant, grace_s=3_600)

    valid = digests(store.valid_tokens(tenant, time.time()))

    assert len(valid) == 2
    assert tokens.digest(oldest) not in valid


def test_token_ends_when_it_says(store: SecretStore, client: Any, tenant: str) -> None:
    store.issue(tenant)
    token = rotate(client, tenant, expires=1_900_000_000)

    assert store.valid_tokens(tenant, time.time()) == [ValidToken(tokens.digest(token), 1_900_000_000)]


class Silent:
    """Secrets Manager when it does not answer as it should."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_secret_value(self, **_: object) -> None:
        raise self.error


def refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetSecretValue")


@pytest.mark.parametrize(
    "error",
    [
        refused("InternalServiceError", 500),
        refused("ServiceUnavailable", 503),
        refused("ThrottlingException", 400),
        refused("AccessDeniedException", 400),
        refused("DecryptionFailure", 400),
        ReadTimeoutError(endpoint_url="https://secretsmanager"),
        ConnectTimeoutError(endpoint_url="https://secretsmanager"),
        ConnectionClosedError(endpoint_url="https://secretsmanager"),
        EndpointConnectionError(endpoint_url="https://secretsmanager"),
        SSLError(endpoint_url="https://secretsmanager", error=ValueError("certificate")),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_failure_of_secrets_manager_is_503_and_not_401(error: Exception, tenant: str) -> None:
    silent: Any = Silent(error)

    with pytest.raises(Unavailable) as unavailable:
        SecretStore(silent, PREFIX).valid_tokens(tenant, time.time())

    assert unavailable.value.headers == {"Retry-After": "2"}
