"""The local Secrets Manager keeps its secrets after kill -9."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws_client import create_client
from local.errors import LocalRunError
from local.services import secretsmanager
from local.services.server_process import ServerProcess
from tests.local.processes import kill


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with secretsmanager.create_process(tmp_path) as server:
        server.wait()
        yield server


@pytest.fixture
def client(server: ServerProcess) -> Any:
    return create_client("secretsmanager", server.url)


def restart(server: ServerProcess) -> None:
    kill(server)
    server.start()
    server.wait()


def test_secret_versions_and_dates_survive_kill_9(server: ServerProcess, client: Any) -> None:
    first, second = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    client.create_secret(Name="muster/acme", SecretString="one", ClientRequestToken=first)
    client.put_secret_value(SecretId="muster/acme", SecretString="two", ClientRequestToken=second)
    before = client.get_secret_value(SecretId="muster/acme")
    restart(server)
    after = client.get_secret_value(SecretId="muster/acme")
    previous = client.get_secret_value(SecretId="muster/acme", VersionStage="AWSPREVIOUS")
    assert (after["SecretString"], after["VersionId"], after["CreatedDate"]) == ("two", second, before["CreatedDate"])
    assert (previous["SecretString"], previous["VersionId"]) == ("one", first)


def test_scheduled_deletion_survives_kill_9(server: ServerProcess, client: Any) -> None:
    client.create_secret(Name="muster/acme", SecretString="one")
    client.delete_secret(SecretId="muster/acme")
    restart(server)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.get_secret_value(SecretId="muster/acme")


def test_damaged_secrets_journal_is_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "secrets.journal").write_text("garbage\n")
    with secretsmanager.create_process(tmp_path) as server, pytest.raises(LocalRunError) as error:
        server.wait()
    assert str(error.value) == (
        f"Secrets Manager does not start: {tmp_path}/secrets.journal, line 1 is damaged; "
        f"to start empty, move {tmp_path}/secrets.journal away"
    )
