"""Send 10,000 change records through the stream mapping, the function, the event bus and the sample consumer.

1 % of the records are duplicates, 50 are malformed, the shards are in random order, and the bus fails sometimes.
In the end the consumer has the users of the table, and the malformed records are in the dead-letter queue.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from examples.participants.app import Participants
from handlers.changes import ChangesHandler
from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.stream_mapping import StreamMapping, deliver
from scim.service.deadline import Deadline
from tests.endpoint import TIMEOUT_S, Handler, LambdaContext, read_functions
from tests.events.fakes import NO_ANSWER, FakeEventBridge, FakeSqs, Outcome, build_stream_processor, create_client_error
from tests.events.history import TENANT, build_stream_record, generate_history
from tests.examples.memory import MemoryTable

pytestmark = pytest.mark.slow

RECORDS, DUPLICATES, MALFORMED, SHARDS = 10_000, 100, 50, 8

Record = dict[str, Any]


def corrupt(record: Record, rng: random.Random) -> Record:
    """Make a change record malformed, in one of several ways."""
    stream = record["dynamodb"]
    image = stream["NewImage"]
    malformed: list[dict[str, Any]] = [
        {**image, "operation": {"S": "unheard-of"}},
        {**image, "active": {"S": "true"}},
        {**image, "at": {"S": "yesterday"}},
        {**image, "userName": {"NULL": True}},
        {name: image[name] for name in ("pk", "sk")},
        {},
    ]
    return {**record, "dynamodb": {**stream, "NewImage": rng.choice(malformed)}}


@dataclass
class Deployment:
    """The function and its stream mapping, with fake queues and a fake bus."""

    events: FakeEventBridge
    queues: FakeSqs = field(default_factory=FakeSqs)
    links: FakeSqs = field(default_factory=FakeSqs)
    notices: list[dict[str, Any]] = field(default_factory=list)
    invocations: int = 0
    crashes_on: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.handler: Handler = ChangesHandler(
            lambda: lambda deadline: build_stream_processor(self.events, self.queues, deadline, self.links)
        )

    @property
    def mapping(self) -> StreamMapping:
        """Return the mapping of the template."""
        (stream,) = [spec.stream for spec in read_functions() if spec.stream]
        return stream

    async def invoke(self, event: dict[str, Any]) -> object:
        self.invocations += 1
        if any(record["eventID"] in self.crashes_on for record in event["Records"]):
            raise FunctionError("timed out")
        # Every fifth invocation has no time to send failed entries again.
        seconds = 14.02 if self.invocations % 5 == 0 else 29.0
        return self.handler(event, LambdaContext(LambdaContext().deadline - TIMEOUT_S + seconds))

    async def deliver_all(self, shards: dict[str, list[Record]]) -> None:
        for name, records in shards.items():
            await deliver(self.mapping, name, records, self.invoke, self.notices.append, do_not_wait)


async def do_not_wait(attempt: int) -> None:
    """Skip the pause between attempts."""


def distribute_over_shards(records: list[Record], rng: random.Random) -> dict[str, list[Record]]:
    """Distribute the records over shards in random order. Each record is of a separate item, so the order is free."""
    shards: dict[str, list[Record]] = {f"shard-{number}": [] for number in range(SHARDS)}
    for record in rng.sample(records, len(records)):
        rng.choice(list(shards.values())).append(record)
    return shards


@pytest.mark.parametrize("seed", [1, 2])
def test_consumer_converges_to_the_table(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # must be repeatable
    history = generate_history(RECORDS - MALFORMED, seed)
    good = [build_stream_record(image, number) for number, image in enumerate(history.images, 1)]
    malformed = [
        corrupt(build_stream_record(image, RECORDS + number), rng)
        for number, image in enumerate(rng.sample(history.images, MALFORMED))
    ]
    records = [*good, *malformed, *rng.choices(good, k=DUPLICATES)]

    def choose_outcome() -> Outcome:
        return rng.choices(
            [
                None,
                "InternalFailure",
                "ThrottlingException",
                NO_ANSWER,
                create_client_error("PutEvents", "InternalException", 500),
            ],
            [0.95, 0.02, 0.02, 0.005, 0.005],
        )[0]

    deployment = Deployment(FakeEventBridge(choose_outcome=choose_outcome))
    asyncio.run(deployment.deliver_all(distribute_over_shards(records, rng)))
    table = MemoryTable()
    for detail in deployment.events.details:
        Participants(table).apply(detail)

    listed = {user["id"]: user["userName"] for user in Participants(table).list_active(TENANT)}
    assert listed == history.active
    dead_letters = sorted(message["record"]["eventID"] for message in deployment.queues.messages)
    assert dead_letters == sorted(record["eventID"] for record in malformed)
    assert deployment.notices == []
    assert {detail["eventId"] for detail in deployment.events.details} == {
        image["change"]["S"] for image in history.images
    }
    assert deployment.invocations > len(records) / deployment.mapping.batch_size  # some batches were retried


def test_bisecting_isolates_crashing_records() -> None:
    rng = random.Random(3)  # noqa: S311  # must be repeatable
    history = generate_history(500, 3)
    records = [build_stream_record(image, number) for number, image in enumerate(history.images, 1)]
    crashing = rng.sample(records, 5)
    deployment = Deployment(FakeEventBridge(), crashes_on=frozenset(record["eventID"] for record in crashing))
    asyncio.run(deployment.deliver_all({"shard": records}))

    given_up = [notice["DDBStreamBatchInfo"] for notice in deployment.notices]
    assert [(failure["startSequenceNumber"], failure["batchSize"]) for failure in given_up] == sorted(
        (record["dynamodb"]["SequenceNumber"], 1) for record in crashing
    )
    assert {detail["eventId"] for detail in deployment.events.details} == {
        record["dynamodb"]["NewImage"]["change"]["S"] for record in records if record not in crashing
    }


def test_unavailable_bus_loses_no_event() -> None:
    history = generate_history(300, 4)
    records = [build_stream_record(image, number) for number, image in enumerate(history.images, 1)]
    failures = iter(["InternalFailure"] * 900)
    deployment = Deployment(FakeEventBridge(choose_outcome=lambda: next(failures, None)))
    deployment.handler = ChangesHandler(
        lambda: lambda _: build_stream_processor(deployment.events, deployment.queues, create_short_deadline())
    )
    asyncio.run(deployment.deliver_all({"shard": records}))
    assert len({detail["eventId"] for detail in deployment.events.details}) == 300
    assert (deployment.notices, deployment.queues.messages) == ([], [])


def create_short_deadline() -> Deadline:
    """Return a deadline that leaves time for one attempt."""
    left = iter([14.5] * 60)
    return Deadline(lambda: next(left, 13.0), lambda _: None)
