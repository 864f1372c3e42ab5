"""The table's stream, which Lambda polls for a function that is mapped to it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.aws_lambda.stream_mapping import Discard, Invoke, StreamMapping, deliver
from local.constants import REGION
from local.engine import Engine
from local.errors import LocalRunError

_POLL_S = 0.25  # Lambda polls a shard four times a second
_LONGEST_WAIT_S = 10.0
_MOST_REFUSALS = 20  # in a row
# dynoxide's shards are called after the table, and so may be shorter than AWS's.
_CONFIG = Config(connect_timeout=2, read_timeout=10, parameter_validation=False)


class StreamReader:
    """Reads on from where an earlier run ended, which stands in a file.

    The place is a stream's own: one that is made anew with its table, or by ministack at each start, is read from its
    beginning. Events are at least once.
    """

    def __init__(self, engine: Engine, table: str, place: Path) -> None:
        access: dict[str, Any] = {"region_name": REGION, "aws_access_key_id": "local", "aws_secret_access_key": "local"}
        self._tables = boto3.client("dynamodb", endpoint_url=engine.url, config=_CONFIG, **access)
        self._streams = boto3.client("dynamodbstreams", endpoint_url=engine.url, config=_CONFIG, **access)
        self._table = table
        self._place = place
        self._arn = ""
        self._iterators: dict[str, str | None] = {}
        self._done: dict[str, int] = {}

    def open(self) -> None:
        self._arn = self._tables.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        place = json.loads(self._place.read_text()) if self._place.exists() else {}
        self._done = place.get(self._arn, {})
        self._iterators = {}

    def read(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """What is new in each shard."""
        for shard in self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                self._iterators[name] = self._streams.get_shard_iterator(
                    StreamArn=self._arn, ShardId=name, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            if iterator := self._iterators[name]:
                found = self._streams.get_records(ShardIterator=iterator)
                self._iterators[name] = found.get("NextShardIterator")
                yield name, [_record(each) for each in found["Records"] if _number(each) > self._done.get(name, -1)]

    def remember(self, shard: str, last: dict[str, Any]) -> None:
        """Not to read this record again, nor any before it, now or in a later run."""
        self._done[shard] = _number(last)
        draft = self._place.with_suffix(".new")
        draft.write_text(json.dumps({self._arn: self._done}))
        draft.replace(self._place)


def _number(record: dict[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _record(found: dict[str, Any]) -> dict[str, Any]:
    """A record as Lambda hands it over: its time is a number."""
    created = found["dynamodb"]["ApproximateCreationDateTime"]
    return {**found, "dynamodb": {**found["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}}


async def poll_stream(stream: StreamReader, mapping: StreamMapping, invoke: Invoke, discard: Discard) -> None:
    """Bring what appears in the stream to a function, until it is cancelled.

    Raise ``LocalRunError`` if the engine has no stream.
    """
    refused = 0
    while True:
        try:
            await asyncio.to_thread(stream.open)
            while True:
                for shard, records in await asyncio.to_thread(lambda: list(stream.read())):
                    await deliver(mapping, shard, records, invoke, discard, _wait)
                    if records:
                        await asyncio.to_thread(stream.remember, shard, records[-1])
                refused = 0
                await asyncio.sleep(_POLL_S)
        except BotoCoreError:  # the engine died; whoever watches it tells so and starts it again
            await asyncio.sleep(_POLL_S)
        except ClientError as error:  # after that, its iterators may be unknown
            refused += 1
            if refused == _MOST_REFUSALS:
                raise LocalRunError(f"the table's stream can't be read: {error}") from error
            await asyncio.sleep(_POLL_S)


async def _wait(attempt: int) -> None:
    await asyncio.sleep(min(_POLL_S * 2**attempt, _LONGEST_WAIT_S))
