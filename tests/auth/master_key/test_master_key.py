"""The master key: its cache, the generation that signs, and the generations that verify."""

from typing import Any

import pytest

from scim.auth.errors import MalformedSecret
from scim.auth.master_key.key_ring import KeyGeneration, KeyPurpose, KeyRing, format_key_ring
from scim.auth.master_key.master_key import MAX_CACHE_AGE_S, MAX_STALENESS_S, START_DELAY_S, MasterKey
from scim.aws.errors import ErrorResponse, NoResponse
from scim.protocol.errors import Unavailable

NOW = 1_800_000_000.0
FIRST = KeyGeneration(1, 0.0, "first key " * 4)
SECOND = KeyGeneration(2, NOW + START_DELAY_S, "second key " * 4)
ERRORS = [
    ErrorResponse("GetSecretValue", "ThrottlingException"),
    ErrorResponse("GetSecretValue", "ResourceNotFoundException"),
    NoResponse("GetSecretValue", "ReadTimeoutError"),
]


class Environment:
    """An execution environment of a Lambda function, with a fake clock, its secret and the faults that it reports."""

    def __init__(self) -> None:
        self.now = NOW
        self.value = format_key_ring(KeyRing((FIRST,)))
        self.error: Exception | None = None
        self.reads = 0
        self.faults: list[Exception] = []
        client: Any = self
        self.master_key = MasterKey(client, "muster/master-key", lambda: self.now, self.faults.append)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803  # AWS's names
        assert (SecretId, VersionStage) == ("muster/master-key", "AWSCURRENT")
        self.reads += 1
        if self.error:
            raise self.error
        return {"SecretString": self.value}

    def write(self, *generations: KeyGeneration) -> None:
        self.value = format_key_ring(KeyRing(generations))

    def accepts(self, generation: KeyGeneration) -> bool:
        expected = generation.derive(KeyPurpose.TOKEN)
        return self.master_key.verify_signature(KeyPurpose.TOKEN, lambda key: key == expected)

    @property
    def signing_number(self) -> int:
        return self.master_key.get_key_ring().find_signing_generation(self.now).number


@pytest.fixture
def environment() -> Environment:
    return Environment()


class TestCache:
    def test_secret_is_read_once_in_five_minutes(self, environment: Environment) -> None:
        for _ in range(300):
            assert environment.accepts(FIRST)
            environment.now += 1
        assert (MAX_CACHE_AGE_S, environment.reads) == (300, 1)
        environment.accepts(FIRST)

        assert environment.reads == 2

    def test_secret_is_read_again_if_clock_is_set_back(self, environment: Environment) -> None:
        environment.accepts(FIRST)
        environment.write(SECOND, FIRST)
        environment.now -= 3_600

        assert environment.accepts(SECOND)

    def test_unknown_key_costs_no_call(self, environment: Environment) -> None:
        environment.accepts(FIRST)

        assert not any(environment.accepts(SECOND) for _ in range(1_000))
        assert environment.reads == 1

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_failed_first_read_is_503(self, environment: Environment, error: Exception) -> None:
        environment.error = error

        with pytest.raises(Unavailable) as unavailable:
            environment.accepts(FIRST)

        assert unavailable.value.headers == {"Retry-After": "2"}
        assert unavailable.value.__cause__ is error
        environment.error = None
        assert environment.accepts(FIRST)

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_cached_key_is_used_while_secret_is_unavailable(self, environment: Environment, error: Exception) -> None:
        environment.accepts(FIRST)
        environment.error = error
        environment.now += 3_600

        assert environment.accepts(FIRST)
        assert environment.signing_number == 1
        assert environment.faults == [error]

    def test_unavailable_secret_is_read_every_ten_seconds(self, environment: Environment) -> None:
        environment.accepts(FIRST)
        environment.error = ERRORS[0]
        environment.now += MAX_CACHE_AGE_S
        for _ in range(60):
            environment.accepts(FIRST)
            environment.now += 1

        assert environment.reads == 1 + 6 * 2  # two attempts each time

    def test_stale_key_rejects_nothing(self, environment: Environment) -> None:
        """The signature may be of a generation that was added meanwhile. So the error is 503, never a false 401."""
        environment.accepts(FIRST)
        environment.error = ERRORS[0]
        environment.now += MAX_STALENESS_S - 1
        rejected = environment.accepts(SECOND)
        environment.now += 1

        assert not rejected
        assert environment.accepts(FIRST)
        with pytest.raises(Unavailable):
            environment.accepts(SECOND)


class TestGenerations:
    def test_new_generation_signs_from_its_start(self, environment: Environment) -> None:
        environment.write(SECOND, FIRST)
        before = environment.signing_number
        environment.now = SECOND.starts

        assert (before, environment.signing_number) == (1, 2)
        assert environment.accepts(FIRST)

    @pytest.mark.parametrize("clock_error", [-900, 0, 900])
    def test_signature_of_another_environment_is_never_rejected(self, clock_error: float) -> None:
        """It read the secret before a generation was added, on a computer whose clock is up to 15 minutes wrong."""
        added = KeyGeneration(2, NOW + clock_error + START_DELAY_S, SECOND.key)
        reader = Environment()
        reader.accepts(FIRST)
        reader.error = ERRORS[0]
        for seconds in range(0, 3_000, 10):
            reader.now = NOW + seconds
            signing = KeyRing((added, FIRST)).find_signing_generation(reader.now)
            try:
                assert reader.accepts(signing)
            except Unavailable:
                assert signing is added

    def test_dropped_generation_is_valid_until_cache_expires(self, environment: Environment) -> None:
        environment.write(SECOND, FIRST)
        environment.now = SECOND.starts
        environment.accepts(FIRST)
        environment.write(SECOND)

        cached = environment.accepts(FIRST)
        environment.now += MAX_CACHE_AGE_S

        assert (cached, environment.accepts(FIRST), environment.accepts(SECOND)) == (True, False, True)


class TestDamagedSecret:
    def test_damaged_secret_is_503_until_repaired(self, environment: Environment) -> None:
        environment.value = "edited"
        with pytest.raises(Unavailable) as unavailable:
            environment.accepts(FIRST)

        assert isinstance(unavailable.value.__cause__, MalformedSecret)
        environment.write(FIRST)
        assert environment.accepts(FIRST)

    def test_damaged_secret_keeps_cached_keys(self, environment: Environment) -> None:
        environment.accepts(FIRST)
        environment.value = "edited"
        environment.now += MAX_CACHE_AGE_S

        assert environment.accepts(FIRST)
        assert [type(fault) for fault in environment.faults] == [MalformedSecret]
