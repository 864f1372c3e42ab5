"""The local DynamoDB engines: their data survives kill -9, and errors at the start are reported."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import engine as engines
from local import table
from local.aws_client import create_client
from local.engine import Engine
from local.errors import LocalRunError
from local.services.server_process import ServerProcess
from tests.local.engines import NAMES, TABLE
from tests.local.processes import ends_within, kill

KEY = {"pk": {"S": "counter"}, "sk": {"S": "item"}}


@pytest.fixture(autouse=True)
def _ignore_engine_of_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)


def create_engine_client(engine: Engine) -> Any:
    return create_client("dynamodb", engine.url)


def increment(engine: Engine, transactions: int) -> None:
    """Add one to an item in each of several transactions. Each fails if the previous one was lost."""
    for number in range(transactions):
        update = {
            "TableName": "muster",
            "Key": KEY,
            "UpdateExpression": "ADD n :one",
            "ConditionExpression": "n = :before" if number else "attribute_not_exists(pk)",
            "ExpressionAttributeValues": {":one": {"N": "1"}} | ({":before": {"N": str(number)}} if number else {}),
        }
        create_engine_client(engine).transact_write_items(TransactItems=[{"Update": update}])


def get_process(engine: Engine) -> ServerProcess:
    assert engine.process is not None
    return engine.process


def test_committed_transactions_survive_kill_9(engine: Engine) -> None:
    increment(engine, 5)
    kill(get_process(engine))
    get_process(engine).start()
    get_process(engine).wait()
    assert create_engine_client(engine).get_item(TableName="muster", Key=KEY)["Item"]["n"] == {"N": "5"}


def test_existing_table_is_kept(engine: Engine) -> None:
    increment(engine, 1)
    table.ensure_table(engine, TABLE)
    assert create_engine_client(engine).get_item(TableName="muster", Key=KEY)["Item"]["n"] == {"N": "1"}


def test_table_with_other_keys_is_error(engine: Engine) -> None:
    other = TABLE | {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    with pytest.raises(LocalRunError, match=r"has other keys or indexes than template\.yaml"):
        table.ensure_table(engine, other)


def test_rejected_table_is_error(engine: Engine) -> None:
    with pytest.raises(LocalRunError, match=r"rejected the table: .*ValidationException"):
        table.ensure_table(engine, TABLE | {"TableName": "?"})


def test_engine_of_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with engines.start() as engine:
        assert engine == Engine("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9", "http://127.0.0.1:9")
        with pytest.raises(LocalRunError, match="Could not connect to the endpoint URL"):
            table.ensure_table(engine, TABLE)


def test_unknown_engine_is_error() -> None:
    with (
        pytest.raises(LocalRunError, match="ENGINE is 'moto'; it must be dynoxide or ministack"),
        engines.start(name="moto"),
    ):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_damaged_file_is_one_line_error(name: str, tmp_path: Path) -> None:
    file = tmp_path / {"dynoxide": "dynoxide.db", "ministack": "ministack.journal"}[name]
    file.write_text("garbage\n" * 1000)
    with pytest.raises(LocalRunError) as error, engines.start(tmp_path, name):
        pass
    assert str(error.value).startswith(f"{name} does not start: ")
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_engine_dies_with_its_parent(name: str, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\nfrom local import engine\n"
        "with engine.start(pathlib.Path(sys.argv[1]), sys.argv[2]) as started:\n"
        "    print(started.process.pid, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, tmp_path, name], stdout=subprocess.PIPE, check=False)
    pid = int(killed.stdout)
    assert ends_within(5.0, pid)
