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

from scim.auth import token_format
from scim.auth.errors import MalformedSecret
from scim.auth.token_store import SecretsManagerTokenStore
from scim.protocol.errors import Unavailable
from scim.service.model.token import SecretNotFound, TokenStage
from tests.tokens import MASTER, new_token

PREFIX = "muster/tests/"


@pytest.fixture
def client(aws: None) -> Any:
    return boto3.client("secretsmanager")


@pytest.fixture
def tenant() -> str:
    """A tenant whose secret no other test knows."""
    return f"tenant-{time.time_ns()}"


@pytest.fixture
def store(client: Any) -> SecretsManagerTokenStore:
    return SecretsManagerTokenStore(client, PREFIX, MASTER)


def adopt(store: SecretsManagerTokenStore, tenant: str, version: str, *, keep_previous: bool = True) -> None:
    """A further token that becomes the current one."""
    store.add_pending(tenant, version, None, 60)
    assert store.promote(tenant, version, store.read_stages(tenant)[TokenStage.CURRENT], keep_previous=keep_previous)


FIRST, SECOND, THIRD = ("1" * 32, "2" * 32, "3" * 32)


def test_tenant_without_a_secret_has_no_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    assert (store.read_current(tenant), store.read_previous(tenant), store.read_stages(tenant)) == (None, None, {})


def test_secret_is_named_for_its_tenant_and_holds_the_token_and_its_end(
    store: SecretsManagerTokenStore, client: Any, tenant: str
) -> None:
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


def test_token_is_of_its_tenant_and_in_no_text_about_it(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    current = store.read_current(tenant)

    assert current is not None
    parsed = token_format.parse_token(current.token)
    assert parsed is not None
    assert parsed.tenant_id == tenant
    assert store.is_genuine(parsed)
    assert current.token not in repr(current)


def test_token_that_is_added_is_pending_and_the_current_one_stays(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)

    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST, TokenStage.PENDING: SECOND}


def test_adding_again_keeps_the_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)
    before = store.read(tenant, SECOND)
    store.add_pending(tenant, SECOND, None, 60)

    assert store.read(tenant, SECOND) == before


def test_promoted_token_is_current_and_the_one_before_it_previous(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    adopt(store, tenant, SECOND)
    current, previous = store.read_current(tenant), store.read_previous(tenant)

    assert current is not None
    assert previous is not None
    assert (current.id, current.grace_s, previous.id) == (SECOND, 60, FIRST)


def test_promotion_without_keeping_leaves_no_previous_token(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    adopt(store, tenant, SECOND, keep_previous=False)

    assert store.read_previous(tenant) is None


def test_promotion_in_place_of_what_is_not_current_any_more_changes_nothing(
    store: SecretsManagerTokenStore, tenant: str
) -> None:
    store.create_secret(tenant, FIRST, None)
    adopt(store, tenant, SECOND)
    store.add_pending(tenant, THIRD, None, 0)

    assert store.promote(tenant, THIRD, FIRST, keep_previous=True) is False
    assert store.read_stages(tenant)[TokenStage.CURRENT] == SECOND


def test_only_the_version_that_has_it_loses_the_label_of_the_pending_one(
    store: SecretsManagerTokenStore, tenant: str
) -> None:
    store.create_secret(tenant, FIRST, None)
    store.add_pending(tenant, SECOND, None, 60)
    store.cancel_pending(tenant, FIRST)
    before = store.read_stages(tenant)
    store.cancel_pending(tenant, SECOND)

    assert (before[TokenStage.PENDING], store.read_stages(tenant)) == (SECOND, {TokenStage.CURRENT: FIRST})


def test_closed_secret_opens_nothing_and_takes_no_token_but_tells_its_versions(
    store: SecretsManagerTokenStore, tenant: str
) -> None:
    store.create_secret(tenant, FIRST, None)
    store.delete_secret(tenant)
    store.delete_secret(tenant)

    assert store.read_current(tenant) is None
    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST}


def test_opening_restores_a_closed_secret_and_the_token_is_pending(
    store: SecretsManagerTokenStore, tenant: str
) -> None:
    store.create_secret(tenant, FIRST, None)
    store.delete_secret(tenant)
    store.create_secret(tenant, SECOND, None)

    assert store.read_stages(tenant) == {TokenStage.CURRENT: FIRST, TokenStage.PENDING: SECOND}


def test_adding_to_a_tenant_without_a_secret_is_refused(store: SecretsManagerTokenStore, tenant: str) -> None:
    with pytest.raises(SecretNotFound):
        store.add_pending(tenant, FIRST, None, 0)


def test_closing_a_secret_that_is_gone_is_no_error(store: SecretsManagerTokenStore, tenant: str) -> None:
    store.delete_secret(tenant)


def test_tenant_is_known_by_the_arn_of_its_secret(store: SecretsManagerTokenStore, client: Any, tenant: str) -> None:
    store.create_secret(tenant, FIRST, None)
    arn = client.describe_secret(SecretId=PREFIX + tenant)["ARN"]

    assert (store.resolve_tenant_id(arn), store.resolve_tenant_id(PREFIX + tenant)) == (tenant, tenant)


def test_secret_of_something_else_is_no_tenants(store: SecretsManagerTokenStore, client: Any, tenant: str) -> None:
    client.create_secret(Name=f"other/{tenant}", SecretString="x")

    for name in (f"other/{tenant}", PREFIX + tenant):
        with pytest.raises(ValueError, match="not the secret of a tenant"):
            store.resolve_tenant_id(name)


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
        SecretsManagerTokenStore(silent, PREFIX, MASTER).read_current(tenant)

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
def test_edited_secret_is_503_that_tells_the_operator_what_to_do(
    store: SecretsManagerTokenStore, client: Any, tenant: str, value: str, wrong: str
) -> None:
    client.create_secret(Name=PREFIX + tenant, SecretString=value or " ")

    with pytest.raises(Unavailable) as unavailable:
        store.read_current(tenant)

    cause = unavailable.value.__cause__
    assert isinstance(cause, MalformedSecret)
    assert f"{PREFIX}{tenant} cannot be read (wrong: {wrong})" in str(cause)
    assert "muster rotate" in str(cause)
    assert "typed by hand" not in str(cause)
