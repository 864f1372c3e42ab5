"""Updating the links of one tenant does not delay other tenants. The test counts calls and invocations.

1,000 users of a tenant have the same manager, who is created and then renamed. At the same time, another tenant
changes a user.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.changes import ChangesHandler
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from local.aws_lambda.queue_mapping import consume_batch
from local.aws_lambda.stream_poller import StreamReader
from local.engine import Engine
from local.services.messaging import Messaging
from scim.protocol.schema import load_user_type
from scim.service.model.identifiers import hash_identifier
from scim.service.model.links import UserLinks
from scim.service.references.reference_resolver import REFERRERS_PER_TASK
from scim.settings import Settings
from scim.store.links import DynamoDBLinkStore
from scim.store.table import Table
from scim.wiring import runtime
from scim.wiring.dynamodb import create_client
from scim.wiring.events import build_stream_processor_factory
from scim.wiring.operator_adapters import build_operator_adapters
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import ENTERPRISE, Endpoint, Handler, LambdaContext, read_functions
from tests.engine.conftest import ReadEvents, build_links_handler
from tests.engine.test_bulk import build_create, send_bulk
from tests.engine.test_links import read_items, read_links
from tests.size import sizes
from tests.tokens import raise_fault

BASE_CALLS = 20
"""Calls of a task without referrers: settings, user, lookups in the index, and pages of index entries."""
CALLS_PER_REFERRER = 2


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of DynamoDB since the start of the test."""
    recorded_calls: list[str] = []
    count = Table._count_call  # noqa: SLF001  # every call uses it

    def record_call(table: Table) -> None:
        recorded_calls.append("call")
        count(table)

    monkeypatch.setattr(Table, "_count_call", record_call)
    return recorded_calls


class Functions:
    """The functions of the stream and of the links queue, one invocation at a time."""

    def __init__(self, engine: Engine, bus: Messaging, position_file: Path) -> None:
        self._bus = bus
        self._stream = StreamReader(engine, os.environ["TABLE_NAME"], position_file)
        self._stream.open()
        self._changes: Handler = ChangesHandler(
            lambda: build_stream_processor_factory(Settings.from_environment(os.environ))
        )
        self._links = build_links_handler()
        (self._mapping,) = [spec.queue for spec in read_functions() if spec.queue]

    def publish(self) -> int:
        """Process the new records of the stream, 100 in an invocation; return the number of records."""
        records = list(self._new_records())
        for first in range(0, len(records), 100):
            response = self._changes({"Records": records[first : first + 100]}, LambdaContext())
            assert response == {"batchItemFailures": []}
        return len(records)

    def add_index_entries(self, scim: Endpoint, person: str) -> None:
        """Add the index entries of all users directly, and delete the tasks from the queue, to save invocations."""
        while self.publish():
            pass
        while messages := self._bus.queues.receive("LinksQueue", 10):
            for message in messages:
                self._bus.queues.delete("LinksQueue", message.receipt_handle)
        settings = Settings.from_environment(os.environ)
        config = build_scim_api_adapters(settings, raise_fault).resource_store_config
        table = DynamoDBLinkStore(
            Table(create_client(), settings.table_name, runtime.create_deadline(60)),
            config,
            get_tenant(scim),
            load_user_type(),
        )
        ids = [item["sk"]["S"][2:] for item in read_items(scim, "T", "U#")]
        table.update_reference_index([(user_id, person) for user_id in ids], [])

    def finish(self) -> None:
        """Process the stream and the queue until both are empty."""
        while self.publish() or self.process_link_task():
            pass

    def process_link_task(self) -> str | None:
        """Process the next message of the links queue; return its tenant, ``None`` if the queue is empty."""
        tenants: list[str] = []

        async def invoke(event: dict[str, Any]) -> object:
            tenants.extend(json.loads(record["body"])["tenant_id"] for record in event["Records"])
            return self._links(event, LambdaContext())

        assert asyncio.run(consume_batch(self._mapping, self._bus.queues, invoke)) <= 1
        return tenants[0] if tenants else None

    def _new_records(self) -> Iterator[dict[str, Any]]:
        for shard, records in self._stream.read():
            if records:
                self._stream.save_position(shard, records[-1])
            yield from (record for record in records if record["dynamodb"]["Keys"]["sk"]["S"].startswith("C#"))


@pytest.fixture
def functions(direct: Endpoint, engine: Engine, bus: Messaging, tmp_path: Path) -> Functions:
    return Functions(engine, bus, tmp_path / "stream.json")


@pytest.fixture
def other(direct: Endpoint) -> Endpoint:
    """Another tenant of the same endpoint."""
    settings = Settings.from_environment(os.environ)
    token = (
        build_operator_adapters(settings, "tests")
        .build_administration()
        .tenants.connect(f"other-{os.urandom(4).hex()}")
        .token
    )
    return Endpoint(token, ScimApplication(find_endpoint))


def get_tenant(scim: Endpoint) -> str:
    return scim.token.split("_")[1]


@pytest.mark.parametrize("reports", sizes(100, 1_000))
def test_links_of_tenant_do_not_delay_other_tenants(
    direct: Endpoint, other: Endpoint, functions: Functions, events: ReadEvents, calls: list[str], reports: int
) -> None:
    manager = {ENTERPRISE: {"manager": {"value": "boss@example.com"}}}
    for first in range(0, reports, 100):
        results = send_bulk(
            direct, [build_create(f"report-{number}", **manager) for number in range(first, min(first + 100, reports))]
        )
        assert {result["status"] for result in results} == {"201"}
    other_user = other.create(userName="quiet@example.com", **{ENTERPRISE: {"manager": {"value": "chief@example.com"}}})
    functions.add_index_entries(direct, hash_identifier("boss@example.com"))

    boss: dict[str, Any] = {}

    def create() -> None:
        boss.update(direct.create(userName="boss@example.com"))

    def rename() -> None:
        operation = {"op": "replace", "path": "userName", "value": "former@example.com"}
        assert direct.patch(boss["id"], operation).status == 200

    for change, expected in ((create, reports), (rename, 0)):
        functions.finish()
        change()
        title = {"op": "replace", "path": "title", "value": change.__name__}
        assert other.patch(other_user["id"], title).status == 200
        check_events_are_published_without_calls(functions, events, calls)
        check_other_tenant_waits_for_one_task(functions, other, direct, calls, reports)
        assert sum(bool(UserLinks.parse(text).links) for text in read_links(direct).values()) == expected


def check_events_are_published_without_calls(functions: Functions, events: ReadEvents, calls: list[str]) -> None:
    """One invocation publishes both events. Its only call to DynamoDB records that they were accepted."""
    before = len(events())
    calls.clear()
    assert functions.publish() == len(events()) - before == 2
    assert calls == ["call"]


def check_other_tenant_waits_for_one_task(
    functions: Functions, other: Endpoint, busy: Endpoint, calls: list[str], reports: int
) -> None:
    """The other tenant's task is one of the first two, and each task makes a limited number of calls."""
    tenants = []
    calls.clear()
    while tenant := functions.process_link_task():
        assert len(calls) <= BASE_CALLS + CALLS_PER_REFERRER * REFERRERS_PER_TASK
        calls.clear()
        tenants.append(tenant)
    assert tenants.index(get_tenant(other)) <= 1
    assert tenants.count(get_tenant(busy)) == reports // REFERRERS_PER_TASK + 1
