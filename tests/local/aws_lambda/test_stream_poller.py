"""The table's stream is followed on both engines, through their deaths, and from where an earlier run ended."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import engine as engines
from local import table
from local.aws_lambda.stream_mapping import StreamMapping
from local.aws_lambda.stream_poller import StreamReader, poll_stream
from local.engine import Engine
from local.errors import LocalRunError
from tests.local.processes import kill
from tests.local.test_engine import NAMES

WITHOUT_STREAM: dict[str, Any] = {
    "TableName": "muster",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
TABLE = {**WITHOUT_STREAM, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with engines.start(tmp_path, request.param) as engine:
        table.ensure_table(engine, TABLE)
        yield engine


def put(engine: Engine, *keys: str) -> None:
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = boto3.client("dynamodb", endpoint_url=engine.url, **access)
    for key in keys:
        client.put_item(TableName="muster", Item={"pk": {"S": key}})


def new_in(stream: StreamReader) -> list[str]:
    """The keys of what is new; they are not read again."""
    found = []
    for shard, records in stream.read():
        found += [record["dynamodb"]["NewImage"]["pk"]["S"] for record in records]
        if records:
            stream.save_position(shard, records[-1])
    return found


def opened(engine: Engine, tmp_path: Path) -> StreamReader:
    stream = StreamReader(engine, "muster", tmp_path / "stream.json")
    stream.open()
    return stream


def test_records_are_as_lambda_hands_them_over(engine: Engine, tmp_path: Path) -> None:
    put(engine, "a")
    ((_, [record]),) = opened(engine, tmp_path).read()
    assert (record["eventName"], record["dynamodb"]["Keys"]) == ("INSERT", {"pk": {"S": "a"}})
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)


def test_each_record_is_read_once(engine: Engine, tmp_path: Path) -> None:
    stream = opened(engine, tmp_path)
    put(engine, "a", "b")
    assert new_in(stream) == ["a", "b"]
    put(engine, "c")
    assert new_in(stream) == ["c"]


def test_another_run_reads_on_where_the_last_one_ended(engine: Engine, tmp_path: Path) -> None:
    put(engine, "a", "b")
    assert new_in(opened(engine, tmp_path)) == ["a", "b"]
    put(engine, "c")
    assert new_in(opened(engine, tmp_path)) == ["c"]


def test_a_table_of_an_earlier_version_gets_its_stream(tmp_path: Path) -> None:
    with engines.start(tmp_path) as engine:
        table.ensure_table(engine, WITHOUT_STREAM)
        table.ensure_table(engine, TABLE)
        put(engine, "a")
        assert new_in(opened(engine, tmp_path)) == ["a"]


def test_nothing_is_lost_when_the_engine_dies(engine: Engine, tmp_path: Path) -> None:
    seen: list[str] = []

    async def invoke(event: dict[str, Any]) -> object:
        seen.extend(record["dynamodb"]["NewImage"]["pk"]["S"] for record in event["Records"])
        return None

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.05)

    async def scenario() -> None:
        stream = StreamReader(engine, "muster", tmp_path / "stream.json")
        following = asyncio.ensure_future(poll_stream(stream, StreamMapping(), invoke, lambda _: None))
        put(engine, "a")
        await until(lambda: "a" in seen)
        assert engine.process is not None
        kill(engine.process)
        engine.process.start()
        engine.process.wait()
        put(engine, "b")
        await until(lambda: "b" in seen)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    asyncio.run(scenario())
    assert set(seen) == {"a", "b"}


def test_a_stream_that_is_refused_for_ever_is_a_problem(tmp_path: Path) -> None:
    with engines.start(tmp_path) as engine:
        stream = StreamReader(engine, "no-such-table", tmp_path / "stream.json")
        with pytest.raises(LocalRunError, match=r"the table's stream can't be read: .*ResourceNotFound"):
            asyncio.run(poll_stream(stream, StreamMapping(), _never, lambda _: None))


async def _never(event: dict[str, Any]) -> object:
    raise AssertionError(event)
