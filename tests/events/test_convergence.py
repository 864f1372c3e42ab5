"""10,000 change records through the mapping, the function, the bus and the sample consumer.

With 1 % duplicates, in shards whose order says nothing, with 50 records that are none, and a bus that fails now and
then: the consumer ends up with the users of the table, and the 50 are in the queue.
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
from tests.endpoint import TIMEOUT_S, Handler, LambdaContext, functions
from tests.events.fakes import NO_ANSWER, Events, Outcome, Queues, failed, processor
from tests.events.history import TENANT, generated, stream_record
from tests.examples.memory import MemoryTable

RECORDS, DUPLICATES, MALFORMED, SHARDS = 10_000, 100, 50, 8

Record = dict[str, Any]


def spoiled(record: Record, choose: random.Random) -> Record:
    """A change record that nobody can make an event of, in one of several ways."""
    stream = record["dynamodb"]
    image = stream["NewImage"]
    broken: list[dict[str, Any]] = [
        {**image, "operation": {"S": "unheard-of"}},
        {**image, "active": {"S": "true"}},
        {**image, "at": {"S": "yesterday"}},
        {**image, "userName": {"NULL": True}},
        {name: image[name] for name in ("pk", "sk")},
        {},
    ]
    return {**record, "dynamodb": {**stream, "NewImage": choose.choice(broken)}}


@dataclass
class Deployment:
    """The function with its mapping, in front of a bus and a queue that are played."""

    events: Events
    queues: Queues = field(default_factory=Queues)
    links: Queues = field(default_factory=Queues)
    notices: list[dict[str, Any]] = field(default_factory=list)
    invocations: int = 0
    crashes_on: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.handler: Handler = ChangesHandler(
            lambda: lambda deadline: processor(self.events, self.queues, deadline, self.links)
        )

    @property
    def mapping(self) -> StreamMapping:
        """That of the template."""
        (stream,) = [spec.stream for spec in functions() if spec.stream]
        return stream

    async def invoke(self, event: dict[str, Any]) -> object:
        self.invocations += 1
        if any(record["eventID"] in self.crashes_on for record in event["Records"]):
            raise FunctionError("timed out")
        # Now and then so late that what fails can't be sent again.
        seconds = 14.02 if self.invocations % 5 == 0 else 29.0
        return self.handler(event, LambdaContext(LambdaContext().deadline - TIMEOUT_S + seconds))

    async def take(self, shards: dict[str, list[Record]]) -> None:
        for name, records in shards.items():
            await deliver(self.mapping, name, records, self.invoke, self.notices.append, _at_once)


async def _at_once(attempt: int) -> None:
    """No pause: the bus is played, and needs none."""


def in_shards(records: list[Record], choose: random.Random) -> dict[str, list[Record]]:
    """The records anywhere, in any order: each is of an item of its own, and only an item has an order."""
    shards: dict[str, list[Record]] = {f"shard-{number}": [] for number in range(SHARDS)}
    for record in choose.sample(records, len(records)):
        choose.choice(list(shards.values())).append(record)
    return shards


@pytest.mark.parametrize("seed", [1, 2])
def test_consumer_converges_to_the_table(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311  # chance that can be repeated
    history = generated(RECORDS - MALFORMED, seed)
    good = [stream_record(image, number) for number, image in enumerate(history.images, 1)]
    malformed = [
        spoiled(stream_record(image, RECORDS + number), choose)
        for number, image in enumerate(choose.sample(history.images, MALFORMED))
    ]
    records = [*good, *malformed, *choose.choices(good, k=DUPLICATES)]

    def fate() -> Outcome:
        return choose.choices(
            [None, "InternalFailure", "ThrottlingException", NO_ANSWER, failed("PutEvents", "InternalException", 500)],
            [0.95, 0.02, 0.02, 0.005, 0.005],
        )[0]

    deployment = Deployment(Events(fate=fate))
    asyncio.run(deployment.take(in_shards(records, choose)))
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
    assert deployment.invocations > len(records) / deployment.mapping.batch_size  # some came again


def test_bisecting_isolates_crashing_records() -> None:
    choose = random.Random(3)  # noqa: S311  # chance that can be repeated
    history = generated(500, 3)
    records = [stream_record(image, number) for number, image in enumerate(history.images, 1)]
    crashing = choose.sample(records, 5)
    deployment = Deployment(Events(), crashes_on=frozenset(record["eventID"] for record in crashing))
    asyncio.run(deployment.take({"shard": records}))

    given_up = [notice["DDBStreamBatchInfo"] for notice in deployment.notices]
    assert [(failure["startSequenceNumber"], failure["batchSize"]) for failure in given_up] == sorted(
        (record["dynamodb"]["SequenceNumber"], 1) for record in crashing
    )
    assert {detail["eventId"] for detail in deployment.events.details} == {
        record["dynamodb"]["NewImage"]["change"]["S"] for record in records if record not in crashing
    }


def test_a_bus_that_is_away_for_a_while_costs_no_event() -> None:
    history = generated(300, 4)
    records = [stream_record(image, number) for number, image in enumerate(history.images, 1)]
    away = iter(["InternalFailure"] * 900)
    deployment = Deployment(Events(fate=lambda: next(away, None)))
    deployment.handler = ChangesHandler(lambda: lambda _: processor(deployment.events, deployment.queues, _short()))
    asyncio.run(deployment.take({"shard": records}))
    assert len({detail["eventId"] for detail in deployment.events.details}) == 300
    assert (deployment.notices, deployment.queues.messages) == ([], [])


def _short() -> Deadline:
    """Time for one attempt."""
    left = iter([14.5] * 60)
    return Deadline(lambda: next(left, 13.0), lambda _: None)
