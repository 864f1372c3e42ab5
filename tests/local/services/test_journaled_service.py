"""An in-memory service with a journal loses nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws_client import create_client
from local.errors import LocalRunError
from local.services import secretsmanager
from local.services.journal import Journal
from local.services.journaled_service import JournaledService, ServiceRequest, ServiceResponse
from local.services.server_process import ServerProcess
from tests.local.processes import kill

PUT = ServiceRequest("Service_1.PutThing", '{"n": 1}')


class Recorder:
    """A service that records its requests and responds with a fixed status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests: list[ServiceRequest] = []

    def __call__(self, request: ServiceRequest) -> ServiceResponse:
        self.requests.append(request)
        return ServiceResponse(self.status, {}, b"{}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def test_only_changes_are_replayed(journal: Journal) -> None:
    service = JournaledService(Recorder(), journal)
    for operation in ("PutThing", "GetThing", "DescribeThing", "BatchGetItem", "Query", "DeleteThing", "ListThings"):
        service(ServiceRequest(f"Service_1.{operation}", "{}"))
    replayed = Recorder()
    JournaledService(replayed, journal).replay()
    assert [request.target for request in replayed.requests] == ["Service_1.PutThing", "Service_1.DeleteThing"]


def test_rejected_request_is_not_journaled(journal: Journal) -> None:
    JournaledService(Recorder(400), journal)(PUT)
    assert list(journal) == []


def test_failing_replay_is_error(journal: Journal) -> None:
    JournaledService(Recorder(), journal)(PUT)
    with pytest.raises(LocalRunError, match=r"entry 1 of the journal, Service_1\.PutThing, no longer succeeds"):
        JournaledService(Recorder(400), journal).replay()


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
