"""The whole endpoint on one machine: table, secrets, functions, gateway, tenant."""

import asyncio
import socket
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from local import connection, engine, running, table
from local.connection import Connection
from local.engine import Engine
from local.functions import pool
from local.functions.pool import Pool
from local.functions.stream import Stream, follow
from local.gateway.app import Gateway
from local.gateway.event import Request
from local.gateway.response import Response
from local.gateway.routes import Routes
from local.place import ACCOUNT, HOST, REGION
from local.problem import Problem
from local.services import bus, secrets
from local.services.bus import Bus
from local.services.child import Child
from local.template import Template
from scim.access.master_key import new_secret

_TABLE = "muster"
_MASTER_KEY = "muster/local/master-key"
_OPENID = "muster/local/openid-client"
_PASSWORD = "muster/local/admin-password"  # noqa: S105 - its name
_KNOWN = {
    "Table": _TABLE,
    "MasterKey": _MASTER_KEY,
    "AdminPassword": _PASSWORD,
    "OpenIdClient": _OPENID,
    "EventBus": "local",
    "AWS::StackName": "local",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
}


@dataclass(frozen=True)
class Options:
    """What to run and where."""

    template: Path
    extension: Path
    data: Path
    port: int


async def run(options: Options) -> None:
    """Serves until it is cancelled. A ``Problem`` if it can't start, or can't go on."""
    template = Template(options.template)
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        running.claimed(options.data),
        _listening(options.port) as listener,
        secrets.child(options.data) as secrets_manager,
        engine.start(options.data) as dynamodb,
        bus.serving(options.data) as events,
    ):
        running.forget(options.data)
        table.ensure(dynamodb, template.table(_TABLE))
        secrets_manager.wait()
        secrets.ensure(secrets_manager.url, _MASTER_KEY, new_secret())
        secrets.ensure(secrets_manager.url, _OPENID, "{}")
        password = secrets.ensure(secrets_manager.url, _PASSWORD)
        scim_url = f"http://{HOST}:{options.port}/scim/v2"
        known = _KNOWN | {"PoisonQueue": f"{events.url}/poison"}
        specs = template.functions(known, _variables(scim_url, dynamodb, secrets_manager, events))
        log = options.data / "functions.log"
        async with pool.running(specs, log) as functions:
            gateway = Gateway(Routes(route for spec in specs for route in spec.routes), functions, _report)
            users = functions["UsersFunction"]
            running.tell(options.data, users.variables)
            path = options.data / "connection.json"
            connected = await connection.establish(path, scim_url, gateway, users.variables, options.extension)
            _introduce(connected, path, dynamodb, secrets_manager, log, events)
            print(f"Console       http://{HOST}:{options.port}/admin, password {password}\n")
            stream = Stream(dynamodb, _TABLE, options.data / "stream.json")
            watching = _watch([child for child in (dynamodb.child, secrets_manager) if child])
            await _serve(gateway, listener, [watching, *_following(stream, functions, events)])


def _variables(scim_url: str, dynamodb: Engine, secrets_manager: Child, events: Bus) -> dict[str, str]:
    """What the functions' environment has instead of the template's values, and what only exists here."""
    return {
        "PUBLIC_URL": scim_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": events.url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_manager.url,
        "AWS_ENDPOINT_URL_SQS": events.url,
    }


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # Said in full: asyncio turns off the delay of small packets only where it reads "TCP".
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise Problem(f"port {port}: {reason}; choose another with make run PORT=8081") from error
        yield listener


def _introduce(
    connected: Connection, path: Path, dynamodb: Engine, secrets_manager: Child, log: Path, events: Bus
) -> None:
    print(f"""
SCIM URL      {connected.scim_url}
Bearer token  {connected.token}
Both are in   {path}

Try           curl -H 'Authorization: Bearer {connected.token}' {connected.scim_url}/Users

Table         on {_where(dynamodb.name, dynamodb.child)}, data in {dynamodb.data}
Secrets       on {_where("moto", secrets_manager)}, data in {secrets_manager.data}
Events        {events.events}
Log           {log}
Ctrl-C ends it; the data stay.
""")


def _where(name: str, child: Child | None) -> str:
    return f"{name} (process {child.pid})" if child else name


def _report(request: Request, response: Response, seconds: float) -> None:
    """A line a request. The query is left out: filters hold names and addresses."""
    print(f"{time.strftime('%H:%M:%S')}  {response.status}  {request.method} {request.path}  {seconds * 1000:.0f} ms")


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to whoever runs us."""
        yield


def _following(stream: Stream, functions: Mapping[str, Pool], events: Bus) -> Iterator[Coroutine[Any, Any, None]]:
    for function in functions.values():
        if function.spec.stream:
            yield follow(stream, function.spec.stream, function.invoke, events.lay_aside)


async def _serve(gateway: Gateway, listener: socket.socket, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Serves while all of the jobs go on."""
    config = uvicorn.Config(
        gateway,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.gather(*jobs)
    finally:
        server.should_exit = True
        await serving


async def _watch(children: Sequence[Child]) -> None:
    """Starts again what dies, as often as it has served before."""
    while True:
        for child in children:
            if child.died:
                child.start()
                await asyncio.to_thread(child.wait)
                print(f"{child.name} died and was started again, on port {child.port}")
        await asyncio.sleep(0.05)
