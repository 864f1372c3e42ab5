"""``make sam-local`` lets containers use the services of the local run."""

import asyncio
import json
from pathlib import Path

import pytest

from local import run_state, sam_local
from local.errors import LocalRunError
from local.sam_local import build_environment, forward
from local.services.server_process import find_free_port
from tests.template.deployment import DEPLOYMENT, FUNCTIONS

ADDRESS = "127.0.0.2"
"""Another address of the loopback interface, in place of the gateway of Docker's network."""


def build_variables(port: int) -> dict[str, str]:
    """Return variables as in ``running.json``, with all services on one port."""
    url = f"http://127.0.0.1:{port}"
    names = ("DYNAMODB", "EVENTBRIDGE", "SECRETS_MANAGER", "SQS")
    return {
        "TABLE_NAME": "muster",
        "PUBLIC_URL": "http://127.0.0.1:8080/scim/v2",
        "LINKS_QUEUE_URL": f"{url}/000000000000/LinksQueue",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
        **{f"AWS_ENDPOINT_URL_{name}": url for name in names},
    }


def test_environment_has_services_at_address() -> None:
    environment = build_environment(build_variables(4000), ADDRESS)
    assert environment == {
        "TABLE_NAME": "muster",
        "PUBLIC_URL": "http://127.0.0.1:8080/scim/v2",
        "LINKS_QUEUE_URL": "http://127.0.0.2:4000/000000000000/LinksQueue",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.2:4000",
        "AWS_ENDPOINT_URL_EVENTBRIDGE": "http://127.0.0.2:4000",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.2:4000",
        "AWS_ENDPOINT_URL_SQS": "http://127.0.0.2:4000",
    }


def test_template_declares_endpoints() -> None:
    """``sam local`` passes only variables that the template declares."""
    declared = set(DEPLOYMENT["Globals"]["Function"]["Environment"]["Variables"])
    endpoints = {name for name in build_environment(build_variables(4000), ADDRESS) if name.startswith("AWS_")}
    without_service = {"AWS_ENDPOINT_URL_SNS"}  # the local run has no topics
    assert endpoints | without_service == {name for name in declared if name.startswith("AWS_ENDPOINT_URL_")}
    assert all(spec.variables[name] == "" for spec in FUNCTIONS.values() for name in endpoints)


async def exchange(address: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"request\n")
    response = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return response


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"response to " + await reader.readline())
    await writer.drain()
    writer.close()


async def exchange_through_forwarder() -> bytes:
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        forwarder = asyncio.create_task(forward(build_variables(port), ADDRESS))
        try:
            for _ in range(100):
                try:
                    return await exchange(ADDRESS, port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
            raise AssertionError("the forwarder does not listen")
        finally:
            forwarder.cancel()
            await asyncio.wait([forwarder])


def test_connections_are_forwarded() -> None:
    assert asyncio.run(exchange_through_forwarder()) == b"response to request\n"


def test_address_of_another_machine_is_error() -> None:
    with pytest.raises(LocalRunError, match="docker network inspect bridge"):
        asyncio.run(forward(build_variables(find_free_port()), "192.0.2.1"))


def test_missing_local_run_is_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sam_local, "_DATA", tmp_path)
    assert sam_local.main(ADDRESS) == 1
    assert capsys.readouterr().err.startswith("error: no local run uses")


def test_environment_file_has_parameters_of_all_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SAM CLI applies the member ``Parameters`` to all functions."""
    monkeypatch.setattr(sam_local, "_DATA", tmp_path)
    with run_state.lock(tmp_path):
        run_state.publish(tmp_path, build_variables(find_free_port()))
        assert sam_local.main("192.0.2.1") == 1
    assert json.loads((tmp_path / "sam.json").read_text())["Parameters"]["TABLE_NAME"] == "muster"
