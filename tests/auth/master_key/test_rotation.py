"""Changing the master key on moto's Secrets Manager: interrupted, repeated, and two at once."""

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from scim.auth.errors import MalformedSecret
from scim.auth.master_key.key_ring import create_first_value
from scim.auth.master_key.master_key import START_DELAY_S
from scim.auth.master_key.rotation import MasterKeyConflict, MasterKeyRotation

NOW = 1_800_000_000.0


class Interrupted(Exception):
    """The process ends here."""


class Interrupting:
    """A client that fails instead of its call number ``at``, or after it if ``is_done``."""

    def __init__(self, client: Any, at: int, *, is_done: bool, error: Exception) -> None:
        self._client, self._left, self._is_done, self._error = client, at, is_done, error

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == -1 and not self._is_done:
                raise self._error
            answer = getattr(self._client, name)(**arguments)
            if self._left == -1:
                raise self._error
            return answer

        return call


class Key:
    def __init__(self) -> None:
        self.client: Any = boto3.client("secretsmanager")
        self.id = f"muster/master-key-{uuid.uuid4()}"
        self.now = NOW
        self.client.create_secret(Name=self.id, SecretString=create_first_value())
        self.rotation = self.rotation_of(self.client)

    def rotation_of(self, client: Any) -> MasterKeyRotation:
        return MasterKeyRotation(client, self.id, lambda: self.now)

    @property
    def numbers(self) -> list[int]:
        return [each.number for each in self.rotation.read_key_ring().generations]


@pytest.fixture
def key(aws: None) -> Key:
    return Key()


def test_rotation_adds_a_generation_that_starts_later(key: Key) -> None:
    (first,) = key.rotation.read_key_ring().generations
    added, kept = key.rotation.rotate().generations

    assert (added.number, added.starts, kept) == (2, NOW + START_DELAY_S, first)
    assert key.rotation.read_key_ring().generations == (added, kept)
    assert added.key != first.key


def test_rotation_that_waits_for_its_start_is_not_repeated(key: Key) -> None:
    assert key.rotation.rotate() == key.rotation.rotate()
    key.now += START_DELAY_S
    key.rotation.rotate()

    assert key.numbers == [3, 2, 1]


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_interrupted_rotation_happened_or_did_not_and_can_be_repeated(key: Key, at: int, *, is_done: bool) -> None:
    first = key.rotation.read_key_ring().generations[0]
    interrupting = Interrupting(key.client, at, is_done=is_done, error=Interrupted())
    with pytest.raises(Interrupted):
        key.rotation_of(interrupting).rotate()

    assert key.numbers == ([2, 1] if (at, is_done) == (2, True) else [1])
    key.rotation.rotate()
    assert key.numbers == [2, 1]
    assert key.rotation.read_key_ring().generations[-1] == first


def test_rotation_whose_answer_was_lost_is_no_conflict(key: Key) -> None:
    """The SDK repeats the call, which is then refused, since its own first attempt has succeeded."""
    error: Any = {"Error": {"Code": "InvalidParameterException", "Message": ""}}
    interrupting = Interrupting(key.client, 2, is_done=True, error=ClientError(error, "UpdateSecretVersionStage"))

    assert key.rotation_of(interrupting).rotate().generations == key.rotation.read_key_ring().generations
    assert key.numbers == [2, 1]


def test_of_two_changes_at_once_one_is_refused(key: Key) -> None:
    """Dropping must not be undone by a rotation that has read the generations before."""
    key.rotation.rotate()
    key.now += START_DELAY_S

    class Overtaken:
        """Drops the earlier generations between the reading and the writing of another change."""

        def __getattr__(self, name: str) -> Any:
            if name == "put_secret_value":
                key.rotation.remove_earlier_generations()
            return getattr(key.client, name)

    with pytest.raises(MasterKeyConflict, match="at the same time"):
        key.rotation_of(Overtaken()).rotate()

    assert key.numbers == [2]
    key.rotation.rotate()
    assert key.numbers == [3, 2]


def test_generation_that_has_not_started_is_never_left_alone(key: Key) -> None:
    key.rotation.rotate()
    with pytest.raises(MasterKeyConflict, match="has not started"):
        key.rotation.remove_earlier_generations()
    key.now += START_DELAY_S

    assert [each.number for each in key.rotation.remove_earlier_generations().generations] == [2]
    assert [each.number for each in key.rotation.remove_earlier_generations().generations] == [2]
    assert key.numbers == [2]


def test_damaged_secret_is_not_overwritten(key: Key) -> None:
    key.client.put_secret_value(SecretId=key.id, SecretString=json.dumps({"key": "edited"}))

    with pytest.raises(MalformedSecret):
        key.rotation.rotate()
