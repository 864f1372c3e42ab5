"""One tenant's links delay nobody: counted in calls and invocations, on a real engine.

The case: 1,000 users of a tenant name one person, who is created and then renamed, while another tenant changes a user.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
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
from scim.wiring.events import build_stream_processor_factory
from scim.wiring.operator_adapters import build_operator_adapters
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import ENTERPRISE, Endpoint, Handler, LambdaContext, functions
from tests.engine.conftest import Read, links_handler
from tests.engine.test_bulk import post, run
from tests.engine.test_links import items, stored_links
from tests.size import sizes
from tests.tokens import raise_fault

BASE_CALLS = 20
"""Of a task without referrers: settings, user, index, look-ups, and pages of index entries."""
CALLS_PER_REFERRER = 2


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of DynamoDB from now on."""
    seen: list[str] = []
    count = Table._count_call  # noqa: SLF001  # what every call passes

    def counted(table: Table) -> None:
        seen.append("call")
        count(table)

    monkeypatch.setattr(Table, "_count_call", counted)
    return seen


class Functions:
    """The functions of the stream and of the links queue, one invocation at a time."""

    def __init__(self, engine: Engine, bus: Messaging, place: Path) -> None:
        self._bus = bus
        self._stream = StreamReader(engine, os.environ["TABLE_NAME"], place)
        self._stream.open()
        self._changes: Handler = ChangesHandler(
            lambda: build_stream_processor_factory(Settings.from_environment(os.environ))
        )
        self._links = links_handler()
        (self._mapping,) = [spec.queue for spec in functions() if spec.queue]

    def publish(self) -> int:
        """Bring all that is new in the stream to its function, 100 records at once; return the number of records."""
        records = list(self._new_records())
        for first in range(0, len(records), 100):
            answer = self._changes({"Records": records[first : first + 100]}, LambdaContext())
            assert answer == {"batchItemFailures": []}
        return len(records)

    def add_index_entries(self, scim: Endpoint, person: str) -> None:
        """Do the work of the tasks that are in the queue, without the thousand invocations."""
        while self.publish():
            pass
        while messages := self._bus.queues.receive("LinksQueue", 10):
            for message in messages:
                self._bus.queues.delete("LinksQueue", message.receipt_handle)
        settings, calls = Settings.from_environment(os.environ), boto3.client("dynamodb")
        config = build_scim_api_adapters(settings, raise_fault).resource_store_config
        table = DynamoDBLinkStore(
            Table(calls, settings.table_name, runtime.create_deadline(60)), config, tenant_of(scim), load_user_type()
        )
        ids = [item["sk"]["S"][2:] for item in items(scim, "T", "U#")]
        table.update_reference_index([(user_id, person) for user_id in ids], [])

    def finish(self) -> None:
        """Bring everything to its function, until nothing is left."""
        while self.publish() or self.link():
            pass

    def link(self) -> str | None:
        """Bring the next messages to their function; return the tenant, ``None`` without a message."""
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
def work(direct: Endpoint, engine: Engine, bus: Messaging, tmp_path: Path) -> Functions:
    return Functions(engine, bus, tmp_path / "stream.json")


@pytest.fixture
def other(direct: Endpoint) -> Endpoint:
    """Another tenant at the same endpoint."""
    settings = Settings.from_environment(os.environ)
    token = (
        build_operator_adapters(settings, "tests")
        .build_administration()
        .tenants.connect(f"other-{os.urandom(4).hex()}")
        .token
    )
    return Endpoint(token, ScimApplication(find_endpoint))


def tenant_of(scim: Endpoint) -> str:
    return scim.token.split("_")[1]


@pytest.mark.parametrize("reports", sizes(300, 1_000))
def test_links_of_one_tenant_delay_no_other_tenant(
    direct: Endpoint, other: Endpoint, work: Functions, events: Read, calls: list[str], reports: int
) -> None:
    named = {ENTERPRISE: {"manager": {"value": "boss@example.com"}}}
    for first in range(0, reports, 100):
        results = run(direct, [post(f"report-{number}", **named) for number in range(first, min(first + 100, reports))])
        assert {result["status"] for result in results} == {"201"}
    quiet = other.create(userName="quiet@example.com", **{ENTERPRISE: {"manager": {"value": "chief@example.com"}}})
    work.add_index_entries(direct, hash_identifier("boss@example.com"))

    boss: dict[str, Any] = {}

    def create() -> None:
        boss.update(direct.create(userName="boss@example.com"))

    def rename() -> None:
        operation = {"op": "replace", "path": "userName", "value": "former@example.com"}
        assert direct.patch(boss["id"], operation).status == 200

    for change, expected in ((create, reports), (rename, 0)):
        work.finish()
        change()
        title = {"op": "replace", "path": "title", "value": change.__name__}
        assert other.patch(quiet["id"], title).status == 200
        check_events_need_no_call(work, events, calls)
        check_other_tenant_waits_for_one_task(work, other, direct, calls, reports)
        assert sum(bool(UserLinks.parse(text).links) for text in stored_links(direct).values()) == expected


def check_events_need_no_call(work: Functions, events: Read, calls: list[str]) -> None:
    """Both events are published by one invocation, which makes no call of DynamoDB."""
    before = len(events())
    calls.clear()
    assert work.publish() == len(events()) - before == 2
    assert calls == []


def check_other_tenant_waits_for_one_task(
    work: Functions, other: Endpoint, noisy: Endpoint, calls: list[str], reports: int
) -> None:
    """The other tenant's message is among the first two, and each task makes a bounded number of calls."""
    served = []
    calls.clear()
    while tenant := work.link():
        assert len(calls) <= BASE_CALLS + CALLS_PER_REFERRER * REFERRERS_PER_TASK
        calls.clear()
        served.append(tenant)
    assert served.index(tenant_of(other)) <= 1
    assert served.count(tenant_of(noisy)) == reports // REFERRERS_PER_TASK + 1
