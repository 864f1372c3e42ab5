"""Let ``sam local`` use the services of the local run: ``python -m local.sam_local ADDRESS``.

Containers cannot connect to the loopback interface of this machine, on which the services listen. So until Ctrl-C this
program listens on ``ADDRESS``, the gateway of Docker's bridge network, and forwards connections to the services.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from local.constants import HOST
from local.errors import LocalRunError
from local.run_state import read_variables

_DATA = Path(".local")
_ENDPOINTS = tuple(f"AWS_ENDPOINT_URL_{name}" for name in ("DYNAMODB", "EVENTBRIDGE", "SECRETS_MANAGER", "SQS"))


def build_environment(variables: Mapping[str, str], address: str) -> dict[str, str]:
    """Return the variables of the local run for the option ``--env-vars``, with the services at ``address``.

    Only the endpoints remain of the variables of AWS, because the SAM CLI sets the region and credentials.
    """
    services = {f"http://{HOST}:{port}": f"http://{address}:{port}" for port in _find_ports(variables)}

    def move(value: str) -> str:
        return next((value.replace(old, new) for old, new in services.items() if value.startswith(old)), value)

    names = [name for name in variables if name in _ENDPOINTS or not name.startswith("AWS_")]
    return {name: move(variables[name]) for name in names}


def _find_ports(variables: Mapping[str, str]) -> set[int]:
    """Return the ports of the services."""
    return {int(urlsplit(variables[name]).port or 80) for name in _ENDPOINTS}


async def forward(variables: Mapping[str, str], address: str) -> None:
    """Forward connections to ``address`` until cancelled; raise ``LocalRunError`` if it is not of this machine."""
    async with AsyncExitStack() as stack:
        for port in _find_ports(variables):
            try:
                server = await asyncio.start_server(partial(_forward_connection, port), address, port)
            except OSError as error:
                raise LocalRunError(
                    f"can't listen on {address}:{port} ({error}); the address must be the gateway of Docker's network: "
                    "docker network inspect bridge"
                ) from error
            await stack.enter_async_context(server)
        await asyncio.Event().wait()


async def _forward_connection(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    service_reader, service_writer = await asyncio.open_connection(HOST, port)
    await asyncio.gather(_copy(reader, service_writer), _copy(service_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until one side closes its connection."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def main(address: str) -> int:
    """Write the environment of the functions to ``.local/sam.json``, forward until Ctrl-C, and return the exit code."""
    try:
        variables = read_variables(_DATA)
        path = _DATA / "sam.json"
        path.write_text(json.dumps({"Parameters": build_environment(variables, address)}, indent=2) + "\n")
        print(
            f"The services of the local run are at {address}, for sam local ... --env-vars {path}. Ctrl-C stops this."
        )
        asyncio.run(forward(variables, address))
    except LocalRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
