"""Lambda's poller, which reads the table's stream and invokes the function of an event source mapping."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.aws_client import create_client
from local.aws_lambda.stream_mapping import Discard, Invoke, StreamMapping, deliver
from local.engine import Engine
from local.errors import LocalRunError

_POLL_S = 0.25  # Lambda polls a shard four times a second
_MAX_WAIT_S = 10.0
_MAX_ERRORS = 20  # in a row
# No validation: dynoxide names its shards after the table, which may be shorter than botocore allows.
_CONFIG = Config(connect_timeout=2, read_timeout=10, parameter_validation=False)


class StreamReader:
    """Reads the records of a table's stream. It stores its positions in a file, so that the next run continues there.

    Positions belong to one stream ARN. A new stream is read from its beginning: the stream of a new table, or of
    ministack after each start. Records are delivered at least once.
    """

    def __init__(self, engine: Engine, table: str, positions_file: Path) -> None:
        self._dynamodb = create_client("dynamodb", engine.url, _CONFIG)
        self._streams = create_client("dynamodbstreams", engine.url, _CONFIG)
        self._table = table
        self._positions_file = positions_file
        self._arn = ""
        self._iterators: dict[str, str | None] = {}
        self._positions: dict[str, int] = {}  # the last sequence number by shard

    def open(self) -> None:
        """Find the stream of the table and load the positions in it."""
        self._arn = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        saved = json.loads(self._positions_file.read_text()) if self._positions_file.exists() else {}
        self._positions = saved.get(self._arn, {})
        self._iterators = {}

    def read(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield each shard with its new records."""
        for shard in self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                self._iterators[name] = self._streams.get_shard_iterator(
                    StreamArn=self._arn, ShardId=name, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            if iterator := self._iterators[name]:
                page = self._streams.get_records(ShardIterator=iterator)
                self._iterators[name] = page.get("NextShardIterator")
                position = self._positions.get(name, -1)
                yield name, [_convert(record) for record in page["Records"] if _get_number(record) > position]

    def save_position(self, shard: str, last: dict[str, Any]) -> None:
        """Store that a shard was processed up to this record, so that a later run continues after it."""
        self._positions[shard] = _get_number(last)
        draft = self._positions_file.with_suffix(".new")
        draft.write_text(json.dumps({self._arn: self._positions}))
        draft.replace(self._positions_file)


def _get_number(record: dict[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _convert(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as Lambda passes it to functions, with its time as a number of seconds."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}}


async def poll_stream(stream: StreamReader, mapping: StreamMapping, invoke: Invoke, discard: Discard) -> None:
    """Invoke a function with the records of a stream, until cancelled.

    Raise ``LocalRunError`` if the engine has no stream.
    """
    errors = 0
    while True:
        try:
            await asyncio.to_thread(stream.open)
            while True:
                for shard, records in await asyncio.to_thread(lambda: list(stream.read())):
                    await deliver(mapping, shard, records, invoke, discard, _wait)
                    if records:
                        await asyncio.to_thread(stream.save_position, shard, records[-1])
                errors = 0
                await asyncio.sleep(_POLL_S)
        except BotoCoreError:  # the engine died; the local run restarts it
            await asyncio.sleep(_POLL_S)
        except ClientError as error:  # a restarted engine does not know the iterators: get new ones
            errors += 1
            if errors == _MAX_ERRORS:
                raise LocalRunError(f"the table's stream can't be read: {error}") from error
            await asyncio.sleep(_POLL_S)


async def _wait(attempt: int) -> None:
    await asyncio.sleep(min(_POLL_S * 2**attempt, _MAX_WAIT_S))
