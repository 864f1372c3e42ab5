"""The engines that the table can be on: what is in them survives, and what keeps them from starting is said."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import engine as engines
from local import table
from local.engine import Engine
from local.errors import LocalRunError
from local.services.server_process import ServerProcess
from tests.local.processes import gone_within, kill

REQUEST = {
    "TableName": "muster",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
KEY = {"pk": {"S": "counter"}}

# make test installs ministack too, so that the engine of other platforms is tested on this one.
NAMES = sorted({"ministack", os.environ.get("ENGINE") or engines.find_installed()})


@pytest.fixture(autouse=True)
def _our_own_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with engines.start(tmp_path, request.param) as engine:
        table.ensure_table(engine, REQUEST)
        yield engine


def client(engine: Engine) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=engine.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def count(engine: Engine, transactions: int) -> None:
    """Adds one to an item, in that many transactions, each of which fails if the one before it is missing."""
    for number in range(transactions):
        update = {
            "TableName": "muster",
            "Key": KEY,
            "UpdateExpression": "ADD n :one",
            "ConditionExpression": "n = :before" if number else "attribute_not_exists(pk)",
            "ExpressionAttributeValues": {":one": {"N": "1"}} | ({":before": {"N": str(number)}} if number else {}),
        }
        client(engine).transact_write_items(TransactItems=[{"Update": update}])


def child(engine: Engine) -> ServerProcess:
    assert engine.process is not None
    return engine.process


def test_every_committed_transaction_survives_kill_9_on_the_same_port(engine: Engine) -> None:
    count(engine, 5)
    kill(child(engine))
    child(engine).start()
    child(engine).wait()
    assert client(engine).get_item(TableName="muster", Key=KEY)["Item"]["n"] == {"N": "5"}


def test_a_table_that_is_there_is_left_alone(engine: Engine) -> None:
    count(engine, 1)
    table.ensure_table(engine, REQUEST)
    assert client(engine).get_item(TableName="muster", Key=KEY)["Item"]["n"] == {"N": "1"}


def test_a_table_of_another_shape_is_a_problem(engine: Engine) -> None:
    other = REQUEST | {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    with pytest.raises(LocalRunError, match=r"another shape than template\.yaml's"):
        table.ensure_table(engine, other)


def test_a_table_that_an_engine_does_not_take_is_a_problem(engine: Engine) -> None:
    with pytest.raises(LocalRunError, match=r"does not take the table: .*ValidationException"):
        table.ensure_table(engine, REQUEST | {"TableName": "?"})


def test_the_engine_of_the_environment_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with engines.start() as engine:
        assert engine == Engine("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9", "http://127.0.0.1:9")
        with pytest.raises(LocalRunError, match="Could not connect to the endpoint URL"):
            table.ensure_table(engine, REQUEST)


def test_an_unknown_engine_is_a_problem() -> None:
    with (
        pytest.raises(LocalRunError, match="ENGINE is moto; it can be dynoxide or ministack"),
        engines.start(name="moto"),
    ):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_a_problem_of_one_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / {"dynoxide": "dynoxide.db", "ministack": "ministack.journal"}[name]
    file.write_text("garbage\n" * 1000)
    with pytest.raises(LocalRunError) as caught, engines.start(tmp_path, name):
        pass
    assert str(caught.value).startswith(f"{name} does not start: ")
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_dies_with_whoever_started_it(name: str, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\nfrom local import engine\n"
        "with engine.start(pathlib.Path(sys.argv[1]), sys.argv[2]) as started:\n"
        "    print(started.process.pid, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, tmp_path, name], stdout=subprocess.PIPE, check=False)
    pid = int(killed.stdout)
    assert gone_within(5.0, pid)
