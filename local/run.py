"""The whole endpoint on one machine: table, secrets, functions, gateway, tenant."""

import asyncio
import json
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from local import connection, engine, run_state, table
from local.api_gateway.app import Gateway
from local.api_gateway.event import Request
from local.api_gateway.response import Response
from local.api_gateway.routes import Routes
from local.aws_lambda.function import LambdaFunction, start_functions
from local.aws_lambda.invoke_api import InvokeApi
from local.aws_lambda.queue_mapping import consume
from local.aws_lambda.stream_mapping import StreamMapping
from local.aws_lambda.stream_poller import StreamReader, poll_stream
from local.connection import Connection
from local.constants import ACCOUNT, HOST, REGION
from local.engine import Engine
from local.servers import listen, serve
from local.services import secretsmanager
from local.services.messaging import Messaging, serve_messaging
from local.services.server_process import ServerProcess
from local.template import Template
from scim.auth.master_key.key_ring import new_secret

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
class RunOptions:
    """What to run and where."""

    template: Path
    data: Path
    port: int


async def run(options: RunOptions) -> None:
    """Serves until it is cancelled. A ``LocalRunError`` if it can't start, or can't go on."""
    template = Template(options.template)
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        run_state.lock(options.data),
        listen(options.port) as listener,
        listen(0) as invoke_listener,
        secretsmanager.create_process(options.data) as secrets_manager,
        engine.start(options.data) as dynamodb,
        serve_messaging(options.data, template.queues(), template.consumed_queues(), _KNOWN["EventBus"]) as messaging,
    ):
        run_state.clear(options.data)
        table.ensure_table(dynamodb, template.table(_TABLE))
        secrets_manager.wait()
        secretsmanager.ensure_secret(secrets_manager.url, _MASTER_KEY, new_secret())
        secretsmanager.ensure_secret(secrets_manager.url, _OPENID, "{}")
        password = secretsmanager.ensure_secret(secrets_manager.url, _PASSWORD)
        scim_url = f"http://{HOST}:{options.port}/scim/v2"
        known = _KNOWN | messaging.references()
        specs = template.functions(known, _variables(scim_url, dynamodb, secrets_manager, messaging))
        log = options.data / "functions.log"
        async with start_functions(specs, log) as functions:
            gateway = Gateway(Routes(route for spec in specs for route in spec.routes), functions, _report)
            users = functions["UsersFunction"]
            run_state.publish(options.data, _published(functions.values(), invoke_listener))
            path = options.data / "connection.json"
            connected = await connection.ensure_connection(path, scim_url, gateway, users.variables)
            _introduce(connected, path, dynamodb, secrets_manager, log, messaging)
            print(f"Console       http://{HOST}:{options.port}/admin, password {password}\n")
            stream = StreamReader(dynamodb, _TABLE, options.data / "stream.json")
            watching = _watch([child for child in (dynamodb.child, secrets_manager) if child])
            applications = {listener: gateway, invoke_listener: InvokeApi(functions)}
            await serve(applications, [watching, *_event_sources(stream, functions, messaging)])


def _variables(scim_url: str, dynamodb: Engine, secrets_manager: ServerProcess, messaging: Messaging) -> dict[str, str]:
    """What the functions' environment has instead of the template's values, and what only exists here."""
    return {
        "PUBLIC_URL": scim_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": messaging.url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_manager.url,
        "AWS_ENDPOINT_URL_SQS": messaging.url,
    }


def _published(functions: Iterable[LambdaFunction], invoke_listener: socket) -> dict[str, str]:
    """Return what programs beside the run need: the variables of all functions, and where to invoke these."""
    variables = {name: value for function in functions for name, value in function.spec.variables.items()}
    return variables | {"AWS_ENDPOINT_URL_LAMBDA": f"http://{HOST}:{invoke_listener.getsockname()[1]}"}


def _introduce(
    connected: Connection, path: Path, dynamodb: Engine, secrets_manager: ServerProcess, log: Path, messaging: Messaging
) -> None:
    print(f"""
SCIM URL      {connected.scim_url}
Bearer token  {connected.token}
Both are in   {path}

Try           curl -H 'Authorization: Bearer {connected.token}' {connected.scim_url}/Users

Table         on {_where(dynamodb.name, dynamodb.child)}, data in {dynamodb.data}
Secrets       on {_where("moto", secrets_manager)}, data in {secrets_manager.data}
Events        {messaging.events}
Dead letters  {messaging.dead_letters}
Log           {log}
Ctrl-C ends it; the data stay.
""")


def _where(name: str, child: ServerProcess | None) -> str:
    return f"{name} (process {child.pid})" if child else name


def _report(request: Request, response: Response, seconds: float) -> None:
    """A line a request. The query is left out: filters hold names and addresses."""
    print(f"{time.strftime('%H:%M:%S')}  {response.status}  {request.method} {request.path}  {seconds * 1000:.0f} ms")


def _event_sources(
    stream: StreamReader, functions: Mapping[str, LambdaFunction], messaging: Messaging
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what brings stream records and messages to the functions."""
    for function in functions.values():
        if mapping := function.spec.stream:
            discard = partial(_discard, messaging, mapping)
            yield poll_stream(stream, mapping, function.invoke, discard)
        if function.spec.queue:
            yield consume(function.spec.queue, messaging.queues, function.invoke)


def _discard(messaging: Messaging, mapping: StreamMapping, notice: Mapping[str, Any]) -> None:
    """Send what Lambda says of records that it gave up to the mapping's destination for failures."""
    if mapping.failure_queue:
        messaging.queues.send(mapping.failure_queue, json.dumps(notice))


async def _watch(children: Sequence[ServerProcess]) -> None:
    """Starts again what dies, as often as it has served before."""
    while True:
        for child in children:
            if child.died:
                child.start()
                await asyncio.to_thread(child.wait)
                print(f"{child.name} died and was started again, on port {child.port}")
        await asyncio.sleep(0.05)
