"""An in-memory service replays its journal after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import LocalRunError
from local.services.journal import Journal
from local.services.journaled_service import JournaledService, ServiceRequest, ServiceResponse

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
    with pytest.raises(LocalRunError, match=r"entry 1 of the journal, Service_1\.PutThing, can't be replayed"):
        JournaledService(Recorder(400), journal).replay()
