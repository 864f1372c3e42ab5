"""A service that keeps everything in memory loses nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.errors import LocalRunError
from local.services import secretsmanager
from local.services.journal import Journal
from local.services.journaled_service import JournaledService, ServiceRequest, ServiceResponse
from local.services.server_process import ServerProcess
from tests.local.processes import kill

PUT = ServiceRequest("Service_1.PutThing", '{"n": 1}')


class Recorder:
    """A service that answers everything with a status, and remembers what it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.calls: list[ServiceRequest] = []

    def __call__(self, call: ServiceRequest) -> ServiceResponse:
        self.calls.append(call)
        return ServiceResponse(self.status, {}, b"{}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def test_changes_are_carried_out_again_and_reads_are_not(journal: Journal) -> None:
    service = JournaledService(Recorder(), journal)
    for operation in ("PutThing", "GetThing", "DescribeThing", "BatchGetItem", "Query", "DeleteThing", "ListThings"):
        service(ServiceRequest(f"Service_1.{operation}", "{}"))
    again = Recorder()
    JournaledService(again, journal).replay()
    assert [call.target for call in again.calls] == ["Service_1.PutThing", "Service_1.DeleteThing"]


def test_what_was_refused_is_not_carried_out_again(journal: Journal) -> None:
    JournaledService(Recorder(400), journal)(PUT)
    assert list(journal) == []


def test_a_change_that_no_longer_succeeds_is_a_problem(journal: Journal) -> None:
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
    return boto3.client(
        "secretsmanager",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def restart(server: ServerProcess) -> None:
    kill(server)
    server.start()
    server.wait()


def test_secrets_survive_kill_9_with_their_versions_and_dates(server: ServerProcess, client: Any) -> None:
    first, second = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    client.create_secret(Name="muster/acme", SecretString="one", ClientRequestToken=first)
    client.put_secret_value(SecretId="muster/acme", SecretString="two", ClientRequestToken=second)
    before = client.get_secret_value(SecretId="muster/acme")
    restart(server)
    after = client.get_secret_value(SecretId="muster/acme")
    previous = client.get_secret_value(SecretId="muster/acme", VersionStage="AWSPREVIOUS")
    assert (after["SecretString"], after["VersionId"], after["CreatedDate"]) == ("two", second, before["CreatedDate"])
    assert (previous["SecretString"], previous["VersionId"]) == ("one", first)


def test_a_secret_that_awaits_deletion_still_does_after_kill_9(server: ServerProcess, client: Any) -> None:
    client.create_secret(Name="muster/acme", SecretString="one")
    client.delete_secret(SecretId="muster/acme")
    restart(server)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.get_secret_value(SecretId="muster/acme")


def test_a_damaged_journal_of_secrets_is_a_problem_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "secrets.journal").write_text("garbage\n")
    with secretsmanager.create_process(tmp_path) as server, pytest.raises(LocalRunError) as caught:
        server.wait()
    assert str(caught.value) == (
        f"Secrets Manager does not start: {tmp_path}/secrets.journal, line 1 is damaged; "
        f"to start empty, move {tmp_path}/secrets.journal away"
    )
