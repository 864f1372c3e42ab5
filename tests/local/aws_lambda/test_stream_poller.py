"""The stream of the table is read on both engines, from the saved position, also after an engine died."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import engine as engines
from local import table
from local.aws_client import create_client
from local.aws_lambda.stream_mapping import StreamMapping
from local.aws_lambda.stream_poller import StreamReader, poll_stream
from local.engine import Engine
from local.errors import LocalRunError
from tests.local.engines import TABLE
from tests.local.processes import kill


def put_items(engine: Engine, *keys: str) -> None:
    client = create_client("dynamodb", engine.url)
    for key in keys:
        client.put_item(TableName="muster", Item={"pk": {"S": key}, "sk": {"S": "item"}})


def read_new_keys(stream: StreamReader) -> list[str]:
    """Return the keys of the new records and save the position after them."""
    keys = []
    for shard, records in stream.read():
        keys += [record["dynamodb"]["NewImage"]["pk"]["S"] for record in records]
        if records:
            stream.save_position(shard, records[-1])
    return keys


def open_stream(engine: Engine, tmp_path: Path) -> StreamReader:
    stream = StreamReader(engine, "muster", tmp_path / "stream.json")
    stream.open()
    return stream


def test_record_has_lambda_format(engine: Engine, tmp_path: Path) -> None:
    put_items(engine, "a")
    ((_, [record]),) = open_stream(engine, tmp_path).read()
    assert (record["eventName"], record["dynamodb"]["Keys"]) == (
        "INSERT",
        {"pk": {"S": "a"}, "sk": {"S": "item"}},
    )
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)


def test_record_is_read_once(engine: Engine, tmp_path: Path) -> None:
    stream = open_stream(engine, tmp_path)
    put_items(engine, "a", "b")
    assert read_new_keys(stream) == ["a", "b"]
    put_items(engine, "c")
    assert read_new_keys(stream) == ["c"]


def test_next_run_continues_at_saved_position(engine: Engine, tmp_path: Path) -> None:
    put_items(engine, "a", "b")
    assert read_new_keys(open_stream(engine, tmp_path)) == ["a", "b"]
    put_items(engine, "c")
    assert read_new_keys(open_stream(engine, tmp_path)) == ["c"]


def test_stream_is_added_to_table_of_earlier_version(tmp_path: Path) -> None:
    with engines.start(tmp_path) as engine:
        table.ensure_table(engine, {name: value for name, value in TABLE.items() if name != "StreamSpecification"})
        table.ensure_table(engine, TABLE)
        put_items(engine, "a")
        assert read_new_keys(open_stream(engine, tmp_path)) == ["a"]


def test_records_survive_death_of_engine(engine: Engine, tmp_path: Path) -> None:
    keys: list[str] = []

    async def invoke(event: dict[str, Any]) -> object:
        keys.extend(record["dynamodb"]["NewImage"]["pk"]["S"] for record in event["Records"])
        return None

    async def wait_until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.05)

    async def scenario() -> None:
        stream = StreamReader(engine, "muster", tmp_path / "stream.json")
        polling = asyncio.ensure_future(poll_stream(stream, StreamMapping(), invoke, lambda _: None))
        put_items(engine, "a")
        await wait_until(lambda: "a" in keys)
        assert engine.process is not None
        kill(engine.process)
        engine.process.start()
        engine.process.wait()
        put_items(engine, "b")
        await wait_until(lambda: "b" in keys)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)

    asyncio.run(scenario())
    assert set(keys) == {"a", "b"}


def test_unreadable_stream_is_error(tmp_path: Path) -> None:
    with engines.start(tmp_path) as engine:
        stream = StreamReader(engine, "no-such-table", tmp_path / "stream.json")
        with pytest.raises(LocalRunError, match=r"the table's stream can't be read: .*ResourceNotFound"):
            asyncio.run(poll_stream(stream, StreamMapping(), _fail, lambda _: None))


async def _fail(event: dict[str, Any]) -> object:
    raise AssertionError(event)
