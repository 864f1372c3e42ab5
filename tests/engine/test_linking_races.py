"""Links are eventually correct, although users change at random and records are processed twice and out of order."""

import json
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from handlers.changes import ChangesHandler
from local.aws_lambda.queue_mapping import build_record
from local.aws_lambda.stream_poller import StreamReader
from local.engine import Engine
from local.services.messaging import Messaging
from scim.service.model.identifiers import hash_identifier
from scim.service.model.links import UserLinks
from scim.settings import Settings
from scim.wiring.events import build_stream_processor_factory
from tests.endpoint import ENTERPRISE, Endpoint, Handler, LambdaContext
from tests.engine.conftest import build_links_handler
from tests.engine.test_links import MANAGER, read_index_entries, read_links
from tests.size import sizes

NAMES = [f"person{number}@example.com" for number in range(12)]
WRITERS, WORKERS = 4, 3


def make_random_changes(scim: Endpoint, seed: int, writes: int) -> None:
    """Create, change, rename and delete users and change managers at random."""
    generator = random.Random(seed)  # noqa: S311  # repeatable
    for _ in range(writes):
        users = scim.request("GET", "/Users?count=100").json()["Resources"]
        user = generator.choice(users) if users else None
        match generator.choice([1, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5]):
            case 1 if len(users) < len(NAMES):
                manager = (
                    {ENTERPRISE: {"manager": {"value": generator.choice(NAMES)}}} if generator.random() < 0.8 else {}
                )
                response = scim.request("POST", "/Users", {"userName": generator.choice(NAMES), **manager})
                assert response.status in (201, 409)
            case 2 if user:
                scim.request("DELETE", f"/Users/{user['id']}")
            case 3 if user:
                scim.patch(user["id"], {"op": "replace", "path": "userName", "value": generator.choice(NAMES)})
            case 4 if user:
                value = generator.choice([*NAMES, generator.choice(users)["id"], ""])
                scim.patch(user["id"], {"op": "replace", "path": MANAGER, "value": value})
            case _ if user:
                scim.patch(user["id"], {"op": "replace", "path": "title", "value": str(generator.random())})


class Functions:
    """Both functions: they process the stream in random batches, some of them twice, and the queue in parallel."""

    def __init__(self, stream: StreamReader, bus: Messaging) -> None:
        self._stream = stream
        self._queues = bus.queues
        self._random = random.Random(7)  # noqa: S311  # repeatable
        self._changes: Handler = ChangesHandler(
            lambda: build_stream_processor_factory(Settings.from_environment(os.environ))
        )
        self._links = build_links_handler()

    def run_until(self, done: Event) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            while True:
                is_last_round = done.is_set()
                batches = list(self._batches())
                list(pool.map(self._publish, batches))
                linked = list(pool.map(lambda _: self._link(), range(WORKERS)))
                if is_last_round and not batches and not any(linked):
                    return

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        for shard, records in self._stream.read():
            if records:
                self._stream.save_position(shard, records[-1])
            changes = [record for record in records if record["dynamodb"]["Keys"]["sk"]["S"].startswith("C#")]
            self._random.shuffle(changes)
            while changes:
                size = self._random.randint(1, 8)
                batch, changes = changes[:size], changes[size:]
                yield from [batch] * self._random.choice([1, 1, 1, 1, 2])

    def _publish(self, batch: list[dict[str, Any]]) -> None:
        assert self._changes({"Records": batch}, LambdaContext()) == {"batchItemFailures": []}

    def _link(self) -> int:
        """Process the messages of the queue out of order; return their number."""
        number = 0
        while messages := list(self._queues.receive("LinksQueue", 10)):
            number += len(messages)
            for message in sorted(messages, key=lambda message: message.id):
                records = [build_record(message)]
                assert self._links({"Records": records}, LambdaContext()) == {"batchItemFailures": []}
                self._queues.delete("LinksQueue", message.receipt_handle)
        return number


def link_and_unlink(scim: Endpoint, functions: Functions) -> None:
    """Link a user and remove the link, which few random writes might not do."""
    done = Event()
    done.set()
    boss = scim.create(userName="boss@example.com")
    report = scim.create(**{ENTERPRISE: {"manager": {"value": "boss@example.com"}}})
    functions.run_until(done)
    for user in (boss, report):
        assert scim.request("DELETE", f"/Users/{user['id']}").status == 204
        functions.run_until(done)


@pytest.mark.parametrize("writes", sizes(30, 800))
def test_links_eventually_agree_with_references(
    direct: Endpoint, engine: Engine, bus: Messaging, tmp_path: Path, writes: int
) -> None:
    stream = StreamReader(engine, os.environ["TABLE_NAME"], tmp_path / "stream.json")
    stream.open()
    functions = Functions(stream, bus)
    link_and_unlink(direct, functions)
    done = Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        running = pool.submit(functions.run_until, done)
        list(pool.map(lambda seed: make_random_changes(direct, seed, writes), range(WRITERS)))
        done.set()
        running.result()

    users = direct.request("GET", "/Users?count=100").json()["Resources"]
    managers = {user["id"]: user[ENTERPRISE]["manager"]["value"] for user in users if ENTERPRISE in user}
    ids = {user["userName"]: user["id"] for user in users} | {user["id"]: user["id"] for user in users}
    links_by_user = {
        user_id: [link.user_id for link in UserLinks.parse(text).links] for user_id, text in read_links(direct).items()
    }
    for user_id, value in managers.items():
        assert links_by_user.get(user_id, []) == ([ids[value]] if value in ids else [])
    assert read_index_entries(direct) == sorted(
        (user_id, hash_identifier(value)) for user_id, value in managers.items()
    )

    events = [json.loads(line)["detail"] for line in bus.events.read_text().splitlines()]
    events_by_id = {event["eventId"]: event for event in events if "links" in event}
    order = sorted(
        (event["id"], event["sequence"], event["linkSequence"], event["eventId"]) for event in events_by_id.values()
    )
    assert len({position[:3] for position in order}) == len(order)
    last = {position[0]: [link["id"] for link in events_by_id[position[3]]["links"]] for position in order}
    existing_ids = {user["id"] for user in users}
    assert {user_id: last[user_id] for user_id in last if user_id in existing_ids} == {
        user_id: links_by_user.get(user_id, []) for user_id in last if user_id in existing_ids
    }
    assert {bool(event["links"]) for event in events_by_id.values()} == {True, False}
