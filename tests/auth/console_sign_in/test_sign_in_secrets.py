"""The secrets of the console: caching, and errors for a secret that was edited by hand."""

import json
from typing import Any

import pytest

from scim.auth.authentication import MAX_CACHE_AGE_S
from scim.auth.cached_secret import CachedSecret
from scim.auth.console_sign_in import sign_in_secrets
from scim.auth.console_sign_in.openid_settings import OpenIdSettings
from scim.auth.errors import MalformedSecret
from scim.aws.errors import ErrorResponse, NoResponse
from scim.protocol.errors import Unavailable

NAME = "muster/console"
CLIENT_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:oidc-AbCdEf"
PROVIDER = {
    "issuer": "https://idp.example.com",
    "client_id": "muster",
    "client_secret_arn": CLIENT_SECRET,
    "groups": "a, b",
}


class FakeSecretsManager:
    """Secrets Manager with one secret, the client's secret, and a clock."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.client_secret: str | ErrorResponse | None = "hidden\n"
        self.error: Exception | None = None
        self.now = 1_800_000_000.0
        self.reads = 0

    def get_secret_value(self, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803 - names of boto3
        assert VersionStage == "AWSCURRENT"
        if SecretId == CLIENT_SECRET:
            if isinstance(self.client_secret, ErrorResponse):
                raise self.client_secret
            return {} if self.client_secret is None else {"SecretString": self.client_secret}
        self.reads += 1
        if self.error:
            raise self.error
        return {} if self.text is None else {"SecretString": self.text}

    def build_password_secret(self) -> CachedSecret[str]:
        client: Any = self
        return sign_in_secrets.build_password_secret(client, NAME, lambda: self.now)

    def build_openid_secret(self) -> CachedSecret[OpenIdSettings]:
        client: Any = self
        return sign_in_secrets.build_openid_settings_secret(client, NAME, lambda: self.now)


def test_password_is_read_once_a_minute() -> None:
    secrets = FakeSecretsManager("the password")
    password = secrets.build_password_secret()
    for _ in range(int(MAX_CACHE_AGE_S)):
        assert password.get() == "the password"
        secrets.now += 1
    secrets.text = "another password"

    assert (secrets.reads, password.get()) == (1, "another password")


@pytest.mark.parametrize(
    "error",
    [
        ErrorResponse("GetSecretValue", "ThrottlingException"),
        NoResponse("GetSecretValue", "EndpointConnectionError"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_expired_password_is_not_used(error: Exception) -> None:
    """A password that was changed must not open the console while Secrets Manager does not answer."""
    secrets = FakeSecretsManager("the password")
    password = secrets.build_password_secret()
    password.get()
    secrets.error = error
    secrets.now += MAX_CACHE_AGE_S

    with pytest.raises(Unavailable) as unavailable:
        password.get()

    assert (unavailable.value.__cause__, unavailable.value.headers) == (error, {"Retry-After": "2"})
    secrets.error = None
    assert password.get() == "the password"


def test_openid_settings() -> None:
    settings = FakeSecretsManager(json.dumps(PROVIDER)).build_openid_secret().get()

    assert (settings.issuer, settings.groups, settings.domains) == ("https://idp.example.com", ("a", "b"), ())
    assert settings.client_secret == "hidden"
    assert "hidden" not in repr(settings)


def test_changed_client_secret_is_read_within_a_minute() -> None:
    secrets = FakeSecretsManager(json.dumps(PROVIDER))
    openid = secrets.build_openid_secret()
    openid.get()
    secrets.client_secret = "another"
    assert openid.get().client_secret == "hidden"
    secrets.now += MAX_CACHE_AGE_S
    assert openid.get().client_secret == "another"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "has no text"),
        (" \n", "has no text"),
        *(
            (ErrorResponse("GetSecretValue", code), f"cannot be read: {code}")
            for code in ("AccessDeniedException", "InvalidRequestException", "ResourceNotFoundException")
        ),
    ],
    ids=str,
)
def test_unusable_client_secret_is_named(value: str | ErrorResponse | None, problem: str) -> None:
    secrets = FakeSecretsManager(json.dumps(PROVIDER))
    secrets.client_secret = value

    with pytest.raises(Unavailable) as unavailable:
        secrets.build_openid_secret().get()

    assert isinstance(unavailable.value.__cause__, MalformedSecret)
    assert f"in the secret {CLIENT_SECRET} {problem}. Store the client secret there" in str(unavailable.value.__cause__)


def test_throttled_client_secret_is_unavailable() -> None:
    secrets = FakeSecretsManager(json.dumps(PROVIDER))
    secrets.client_secret = ErrorResponse("GetSecretValue", "ThrottlingException")

    with pytest.raises(Unavailable) as unavailable:
        secrets.build_openid_secret().get()

    assert unavailable.value.__cause__ is secrets.client_secret


@pytest.mark.parametrize("text", ["{}", '{"issuer": ""}'])
def test_openid_settings_without_an_issuer(text: str) -> None:
    assert FakeSecretsManager(text).build_openid_secret().get().issuer == ""


MALFORMED = [
    (None, "the JSON"),
    ("hidden", "the JSON"),
    ("[]", "the JSON"),
    (json.dumps(PROVIDER | {"client_secret_arn": ["hidden"]}), "client_secret_arn"),
    (json.dumps(PROVIDER | {"client_id": ""}), "An OpenID provider needs a client id and the ARN of a client secret"),
    (
        json.dumps(PROVIDER | {"groups": ""}),
        "An OpenID provider needs allowed groups or domains. Otherwise all its users would be operators",
    ),
]


@pytest.mark.parametrize(("text", "wrong"), MALFORMED)
def test_malformed_openid_settings_are_unavailable(text: str | None, wrong: str) -> None:
    """The cause of the error names the secret and what is wrong with it, but no value."""
    secrets = FakeSecretsManager(text)
    openid = secrets.build_openid_secret()

    with pytest.raises(Unavailable) as unavailable:
        openid.get()

    cause = unavailable.value.__cause__
    assert isinstance(cause, MalformedSecret)
    assert f"in the secret {NAME} cannot be used (wrong: {wrong})" in str(cause)
    assert "hidden" not in str(cause)
    secrets.text = json.dumps(PROVIDER)
    assert openid.get().client_id == "muster"


def test_password_in_binary_secret_is_unavailable() -> None:
    with pytest.raises(Unavailable) as unavailable:
        FakeSecretsManager(None).build_password_secret().get()

    assert isinstance(unavailable.value.__cause__, MalformedSecret)
    assert NAME in str(unavailable.value.__cause__)
