"""A secret is read with a second attempt, which hides a fault of the first."""

from typing import Any

import pytest

from scim.auth.secret_reader import read_secret
from scim.aws.errors import AwsError, CallNotSent, ErrorResponse, NoResponse

LOST = NoResponse("GetSecretValue", "ConnectionClosedError")
THROTTLED = ErrorResponse("GetSecretValue", "ThrottlingException")
UNLOADED = CallNotSent("GetSecretValue", "CredentialRetrievalError")
MISSING = ErrorResponse("GetSecretValue", "ResourceNotFoundException")
VALUE: Any = {"SecretString": "{}"}


class ScriptedClient:
    """A client with a list of outcomes."""

    def __init__(self, *outcomes: Any) -> None:
        self._outcomes = list(outcomes)
        self.calls: list[dict[str, str]] = []

    def get_secret_value(self, **arguments: str) -> Any:
        self.calls.append(arguments)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.mark.parametrize("fault", [LOST, THROTTLED, UNLOADED], ids=["lost", "throttled", "no credentials"])
def test_second_attempt_succeeds(fault: AwsError) -> None:
    client: Any = ScriptedClient(fault, VALUE)
    assert read_secret(client, "muster/acme", VersionStage="AWSCURRENT") is VALUE
    assert client.calls == [{"SecretId": "muster/acme", "VersionStage": "AWSCURRENT"}] * 2


def test_second_fault_is_raised() -> None:
    client: Any = ScriptedClient(LOST, THROTTLED)
    with pytest.raises(ErrorResponse) as raised:
        read_secret(client, "muster/acme", VersionId="1")
    assert raised.value is THROTTLED


def test_other_error_is_raised_at_once() -> None:
    client: Any = ScriptedClient(MISSING)
    with pytest.raises(ErrorResponse) as raised:
        read_secret(client, "muster/acme", VersionId="1")
    assert raised.value is MISSING
    assert len(client.calls) == 1
