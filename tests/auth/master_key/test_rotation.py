"""Rotations of the master key on moto's Secrets Manager: interrupted, repeated and concurrent ones."""

import json
import uuid
from typing import Any

import boto3
import pytest

from scim.auth.errors import MalformedSecret
from scim.auth.master_key.key_ring import create_first_value
from scim.auth.master_key.master_key import START_DELAY_S
from scim.auth.master_key.rotation import MasterKeyConflict, MasterKeyRotation
from scim.aws.botocore_client import BotocoreClient
from scim.aws.errors import ErrorResponse

NOW = 1_800_000_000.0


class Interrupted(Exception):
    """The process ends during a rotation."""


class InterruptingClient:
    """A client that fails instead of its call number ``at``, or after it if ``is_done``."""

    def __init__(self, client: Any, at: int, *, is_done: bool, error: Exception) -> None:
        self._client, self._left, self._is_done, self._error = client, at, is_done, error

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == -1 and not self._is_done:
                raise self._error
            response = getattr(self._client, name)(**arguments)
            if self._left == -1:
                raise self._error
            return response

        return call


class SecretUnderTest:
    """A secret of the master key, with a fake clock."""

    def __init__(self) -> None:
        self.client: Any = BotocoreClient(boto3.client("secretsmanager"))
        self.id = f"muster/master-key-{uuid.uuid4()}"
        self.now = NOW
        self.client.create_secret(Name=self.id, SecretString=create_first_value())
        self.rotation = self.build_rotation(self.client)

    def build_rotation(self, client: Any) -> MasterKeyRotation:
        return MasterKeyRotation(client, self.id, lambda: self.now)

    @property
    def generation_numbers(self) -> list[int]:
        return [generation.number for generation in self.rotation.read_key_ring().generations]


@pytest.fixture
def key(aws: None) -> SecretUnderTest:
    return SecretUnderTest()


def test_rotation_adds_generation_that_starts_later(key: SecretUnderTest) -> None:
    (first,) = key.rotation.read_key_ring().generations
    added, earlier = key.rotation.rotate().generations

    assert (added.number, added.starts, earlier) == (2, NOW + START_DELAY_S, first)
    assert key.rotation.read_key_ring().generations == (added, earlier)
    assert added.key != first.key


def test_rotation_is_not_repeated_before_its_start(key: SecretUnderTest) -> None:
    assert key.rotation.rotate() == key.rotation.rotate()
    key.now += START_DELAY_S
    key.rotation.rotate()

    assert key.generation_numbers == [3, 2, 1]


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_interrupted_rotation_can_be_repeated(key: SecretUnderTest, at: int, *, is_done: bool) -> None:
    first = key.rotation.read_key_ring().generations[0]
    interrupting = InterruptingClient(key.client, at, is_done=is_done, error=Interrupted())
    with pytest.raises(Interrupted):
        key.build_rotation(interrupting).rotate()

    assert key.generation_numbers == ([2, 1] if (at, is_done) == (2, True) else [1])
    key.rotation.rotate()
    assert key.generation_numbers == [2, 1]
    assert key.rotation.read_key_ring().generations[-1] == first


def test_lost_response_is_no_conflict(key: SecretUnderTest) -> None:
    """The SDK repeats the call. AWS rejects the second attempt because the first one has succeeded."""
    error = ErrorResponse("UpdateSecretVersionStage", "InvalidParameterException")
    interrupting = InterruptingClient(key.client, 2, is_done=True, error=error)

    assert key.build_rotation(interrupting).rotate().generations == key.rotation.read_key_ring().generations
    assert key.generation_numbers == [2, 1]


def test_concurrent_change_is_rejected(key: SecretUnderTest) -> None:
    """A rotation that has read the generations before they were removed must not restore them."""
    key.rotation.rotate()
    key.now += START_DELAY_S

    class OvertakenClient:
        """Removes the earlier generations between the read and the write of another change."""

        def __getattr__(self, name: str) -> Any:
            if name == "put_secret_value":
                key.rotation.remove_earlier_generations()
            return getattr(key.client, name)

    with pytest.raises(MasterKeyConflict, match="at the same time"):
        key.build_rotation(OvertakenClient()).rotate()

    assert key.generation_numbers == [2]
    key.rotation.rotate()
    assert key.generation_numbers == [3, 2]


def test_generation_that_starts_later_is_not_alone(key: SecretUnderTest) -> None:
    key.rotation.rotate()
    with pytest.raises(MasterKeyConflict, match="does not sign yet"):
        key.rotation.remove_earlier_generations()
    key.now += START_DELAY_S

    for _ in range(2):
        assert [generation.number for generation in key.rotation.remove_earlier_generations().generations] == [2]
    assert key.generation_numbers == [2]


def test_damaged_secret_is_not_overwritten(key: SecretUnderTest) -> None:
    key.client.put_secret_value(SecretId=key.id, SecretString=json.dumps({"key": "edited"}))

    with pytest.raises(MalformedSecret):
        key.rotation.rotate()
