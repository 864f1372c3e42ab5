"""The seal of what clients keep: one key of the stack's own, remembered for a minute."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from scim.access.seal import Seal
from scim.protocol.errors import Unavailable
from scim.service.ports import Opened


class Secret:
    """Secrets Manager with one secret. ``error`` is what it answers instead."""

    def __init__(self, value: str = "key one") -> None:
        self.value = value
        self.reads = 0
        self.error: Exception | None = None

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803  # AWS's name
        assert SecretId == "cursor-key"
        self.reads += 1
        if self.error:
            raise self.error
        return {"SecretString": self.value}


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def secret() -> Secret:
    return Secret()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seal(secret: Secret, clock: Clock) -> Seal:
    client: Any = secret
    return Seal(client, "cursor-key", clock)


@pytest.mark.parametrize("content", [b"", b"x", b"content", bytes(range(256))])
def test_what_was_sealed_opens_for_its_tenant_with_its_age(seal: Seal, clock: Clock, content: bytes) -> None:
    text = seal.seal("acme", content)
    clock.now += 7

    assert seal.open("acme", text) == Opened(content, 7)
    assert seal.open("acme-2", text) is None
    assert text.replace("-", "").replace("_", "").isalnum()


def test_tenant_and_content_can_not_be_shifted_into_each_other(seal: Seal) -> None:
    assert seal.open("acm", seal.seal("acme", b"content")) is None


@pytest.mark.parametrize(
    "text", ["", "x", "====", "é", "a b", "A" * 26, "A" * 27, "A" * 28, "\x00" * 40, "A" * 100_000]
)
def test_what_was_not_sealed_here_does_not_open(seal: Seal, text: str) -> None:
    assert seal.open("acme", text) is None


def test_key_is_read_once_a_minute(seal: Seal, secret: Secret, clock: Clock) -> None:
    for _ in range(60):
        seal.open("acme", seal.seal("acme", b"content"))
        clock.now += 1
    before = secret.reads
    seal.seal("acme", b"content")

    assert (before, secret.reads) == (1, 2)


def test_rotated_key_opens_what_it_sealed_elsewhere_at_once(seal: Seal, secret: Secret, clock: Clock) -> None:
    seal.seal("acme", b"old")
    clock.now += 5
    secret.value = "key two"
    elsewhere: Any = secret
    text = Seal(elsewhere, "cursor-key", clock).seal("acme", b"new")

    assert seal.open("acme", text) == Opened(b"new", 0)


def test_rotated_key_opens_nothing_that_the_one_before_it_sealed(seal: Seal, secret: Secret, clock: Clock) -> None:
    text = seal.seal("acme", b"old")
    secret.value = "key two"
    clock.now += 60

    assert seal.open("acme", text) is None


def test_forgeries_read_the_key_at_most_every_five_seconds(seal: Seal, secret: Secret, clock: Clock) -> None:
    seal.seal("acme", b"content")
    for _ in range(100):
        assert seal.open("acme", "A" * 40) is None
        clock.now += 0.1

    assert secret.reads <= 3


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "GetSecretValue"),
        ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetSecretValue"),
        ReadTimeoutError(endpoint_url="https://secretsmanager"),
        EndpointConnectionError(endpoint_url="https://secretsmanager"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_silence_of_secrets_manager_is_503_and_passes(seal: Seal, secret: Secret, error: Exception) -> None:
    secret.error = error

    with pytest.raises(Unavailable) as unavailable:
        seal.seal("acme", b"content")

    assert unavailable.value.headers == {"Retry-After": "2"}
    secret.error = None
    assert seal.open("acme", seal.seal("acme", b"content")) is not None
