"""Credentials are those that botocore finds, and they are loaded in time."""

import itertools
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from scim.aws.wire.credentials import (
    MUST_REFRESH_S,
    REFRESH_S,
    ContainerCredentials,
    NoCredentials,
    SdkCredentials,
    StaticCredentials,
    find_source,
)
from scim.aws.wire.signing import Credentials
from tests.aws.fault_server import Answer, FaultServer, reset, send

NOW = 1_800_000_000.0
VARIABLES = {
    "AWS_ACCESS_KEY_ID": ("", "key"),
    "AWS_SECRET_ACCESS_KEY": ("", "secret"),
    "AWS_SESSION_TOKEN": ("", "token"),
    "AWS_SECURITY_TOKEN": ("", "older token"),
    "AWS_PROFILE": ("", "work"),
    "AWS_CREDENTIAL_EXPIRATION": ("", "2999-01-01T00:00:00Z"),
}


def respond(expires: float, key: str = "loaded", **members: str) -> bytes:
    expiration = datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z")
    document = {"AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token", "Expiration": expiration}
    body = json.dumps(document | members).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def ask_botocore() -> Credentials | str:
    """Return the credentials that botocore finds, or the name of the exception with which it fails."""
    try:
        credentials = Session().get_credentials()
        if credentials is None:
            return "NoCredentialsError"
        frozen = credentials.get_frozen_credentials()
    except BotoCoreError as error:
        return type(error).__name__
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)


def ask_source(environment: Mapping[str, str]) -> Credentials | str:
    try:
        return find_source(environment).get()
    except NoCredentials as error:
        return error.code


def test_variables_are_used_as_botocore_does(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profile = tmp_path / ".aws/credentials"
    profile.parent.mkdir()
    profile.write_text("[work]\naws_access_key_id = work\naws_secret_access_key = work secret\n")
    outcomes = set()
    for values in itertools.product(*VARIABLES.values()):
        for name, value in zip(VARIABLES, values, strict=True):
            clean.delenv(name, raising=False) if not value else clean.setenv(name, value)
        expected = ask_botocore()
        assert ask_source(os.environ) == expected, values
        outcomes.add(expected)
    assert {"NoCredentialsError", "PartialCredentialsError"} < outcomes
    assert {outcome.access_key for outcome in outcomes if isinstance(outcome, Credentials)} == {"key", "work"}


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"AWS_ACCESS_KEY_ID": "key"}, StaticCredentials),
        ({"AWS_ACCESS_KEY_ID": "key", "AWS_PROFILE": "work"}, SdkCredentials),
        ({"AWS_ACCESS_KEY_ID": "key", "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z"}, SdkCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost"}, ContainerCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, ContainerCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "f"}, SdkCredentials),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_CONFIG_FILE": __file__}, SdkCredentials),
        ({}, SdkCredentials),
    ],
)
def test_source(clean: pytest.MonkeyPatch, environment: Mapping[str, str], kind: type) -> None:
    assert type(find_source(environment)) is kind


class Container:
    """The container's endpoint, whose credentials a source loads. It has a clock and records the pauses."""

    def __init__(self, server: FaultServer, **variables: str) -> None:
        self.now = NOW
        self.pauses: list[float] = []
        self.server = server
        environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{server.port}/v1?a=b", **variables}
        self.source = ContainerCredentials(environment, lambda: self.now, self.pauses.append)

    @property
    def key(self) -> str:
        return self.source.get().access_key


def test_container_is_asked_as_botocore_does(clean: pytest.MonkeyPatch) -> None:
    expires = time.time() + 7_200
    with FaultServer([send(respond(expires), keep=False)] * 2) as server:
        clean.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/v1/x%20y?a=b&c")
        clean.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "lambda token")
        found = find_source(os.environ).get()
        assert found == ask_botocore() == Credentials("loaded", "secret", "token")
        ours, expected = (request.decode().splitlines() for request in server.requests)
    assert ours[0] == expected[0] == "GET /v1/x%20y?a=b&c HTTP/1.1"
    assert {"Host", "Accept", "Authorization"} <= {line.partition(":")[0] for line in ours}
    assert {line for line in ours if not line.startswith("Connection")} <= set(expected)


@pytest.mark.parametrize("by_file", [False, True])
def test_authorization_of_the_container(tmp_path: Path, by_file: bool) -> None:
    file = tmp_path / "token"
    file.write_text("from the file")
    variables = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "from the variable"}
    if by_file:
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(file)
    with FaultServer([send(respond(NOW + 7_200))]) as server:
        assert Container(server, **variables).key == "loaded"
    assert f"Authorization: from the {'file' if by_file else 'variable'}\r\n".encode() in server.requests[0]


def test_nothing_is_loaded_before_the_first_call() -> None:
    with FaultServer([send(respond(NOW + 7_200))]) as server:
        endpoint = Container(server)
        assert server.connection_count == 0
        assert [endpoint.key for _ in range(3)] == ["loaded"] * 3
        assert server.connection_count == 1


def test_credentials_are_loaded_again_before_they_expire() -> None:
    answers = [send(respond(NOW + 7_200, "first")), send(respond(NOW + 14_400, "second"))]
    with FaultServer(answers) as server:
        endpoint = Container(server)
        assert endpoint.key == "first"
        endpoint.now = NOW + 7_200 - REFRESH_S
        assert (endpoint.key, len(server.requests)) == ("first", 1)
        endpoint.now += 1
        assert (endpoint.key, len(server.requests)) == ("second", 2)


FAILURES: dict[str, Answer] = {
    "500": send(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"),
    "400": send(b"HTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\n{}"),
    "no JSON": send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
    "array": send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
    "no keys": send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "reset": reset,
    "no time": send(respond(NOW, Expiration="tomorrow")),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
class TestFailures:
    def test_endpoint_is_asked_three_times(self, failure: Answer) -> None:
        with FaultServer([failure, failure, send(respond(NOW + 7_200))]) as server:
            endpoint = Container(server)
            assert (endpoint.key, endpoint.pauses) == ("loaded", [1.0, 1.0])

    def test_error_names_no_credentials(self, failure: Answer) -> None:
        with FaultServer([failure] * 3) as server:
            with pytest.raises(NoCredentials, match="http://127") as raised:
                Container(server).source.get()
            assert raised.value.code == "CredentialRetrievalError"
            assert "secret" not in str(raised.value)
            assert len(server.requests) == 3

    def test_old_credentials_stay_in_use(self, failure: Answer) -> None:
        with FaultServer([send(respond(NOW + 7_200, "first")), *[failure] * 6]) as server:
            endpoint = Container(server)
            assert endpoint.key == "first"
            endpoint.now = NOW + 7_200 - MUST_REFRESH_S
            assert endpoint.key == "first"
            endpoint.now += 1
            with pytest.raises(NoCredentials):
                endpoint.source.get()


def test_expired_credentials_are_not_used() -> None:
    with FaultServer([send(respond(NOW - 1))] * 3) as server, pytest.raises(NoCredentials, match="expired"):
        Container(server).source.get()


def test_threads_load_credentials_once() -> None:
    with FaultServer([send(respond(NOW + 7_200))]) as server, ThreadPoolExecutor(16) as pool:
        endpoint = Container(server)
        assert set(pool.map(lambda _: endpoint.key, range(100))) == {"loaded"}
    assert len(server.requests) == 1


def test_threads_use_old_credentials_while_one_loads_new_ones() -> None:
    loads, may_answer = Event(), Event()

    def answer(connection: Any) -> bool:
        loads.set()
        may_answer.wait()
        return send(respond(NOW + 14_400, "second"))(connection)

    with FaultServer([send(respond(NOW + 7_200, "first")), answer]) as server, ThreadPoolExecutor(1) as pool:
        endpoint = Container(server)
        assert endpoint.key == "first"
        endpoint.now = NOW + 7_200 - REFRESH_S + 1
        loading = pool.submit(lambda: endpoint.key)
        loads.wait()
        assert endpoint.key == "first"
        may_answer.set()
        assert (loading.result(), endpoint.key) == ("second", "second")


REJECTED = {
    "plain host": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/v1"},
    "no host": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http:///v1"},
    "line break": {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/v1",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX-Forged: b",
    },
}


@pytest.mark.parametrize("environment", REJECTED.values(), ids=REJECTED)
def test_token_is_not_sent_anywhere_else(environment: Mapping[str, str]) -> None:
    source = ContainerCredentials(environment, lambda: NOW, lambda _: pytest.fail("repeated"))
    with pytest.raises(NoCredentials) as raised:
        source.get()
    assert raised.value.code == "ValueError"
