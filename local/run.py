"""Run the whole endpoint on one machine: table, secrets, queues, functions, API and tenant."""

import asyncio
import json
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from local import run_state
from local.api_gateway.app import Gateway
from local.api_gateway.event import Request
from local.api_gateway.response import Response
from local.api_gateway.routes import Routes
from local.aws_lambda.function import LambdaFunction, start_functions
from local.aws_lambda.invoke_api import InvokeApi
from local.aws_lambda.queue_mapping import consume
from local.aws_lambda.schedule import invoke_on_schedule
from local.aws_lambda.stream_mapping import StreamMapping
from local.aws_lambda.stream_poller import StreamReader, poll_stream
from local.connection import Connection, ensure_connection
from local.constants import HOST
from local.port import listen
from local.root_redirect import redirect_root
from local.servers import serve
from local.services.messaging import Messaging
from local.services.server_process import ServerProcess
from local.stack import REFERENCES, TABLE, Services, build_overrides, create_resources, start_services
from local.template import Template


@dataclass(frozen=True)
class RunOptions:
    """The template to run with values of its parameters, the directory of the data, and the port of the endpoint."""

    template: Path
    data: Path
    port: int
    parameters: Mapping[str, str] = field(default_factory=dict)


async def run(options: RunOptions) -> None:
    """Run the endpoint until cancelled; raise ``LocalRunError`` if it can't start or continue."""
    template = Template(options.template, options.parameters)
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        run_state.lock(options.data),
        listen(options.port) as listener,
        listen(0) as invoke_listener,
        start_services(options.data, template) as services,
    ):
        run_state.clear(options.data)
        password = create_resources(template, services)
        scim_url = f"http://{HOST}:{options.port}/scim/v2"
        references = REFERENCES | services.messaging.build_references()
        specs = template.read_functions(references, build_overrides(scim_url, services))
        log = options.data / "functions.log"
        async with start_functions(specs, log) as functions:
            gateway = Gateway(Routes(route for spec in specs for route in spec.routes), functions, _print_request)
            users = functions["UsersFunction"]
            run_state.publish(options.data, _build_published_variables(functions.values(), invoke_listener))
            path = options.data / "connection.json"
            connection = await ensure_connection(path, scim_url, gateway, users.variables)
            print(_format_summary(connection, password, options, services))
            stream = StreamReader(services.dynamodb, TABLE, options.data / "stream.json")
            jobs = [_restart_dead_processes(services), *_poll_event_sources(stream, functions, services.messaging)]
            await serve({listener: redirect_root(gateway, "/admin"), invoke_listener: InvokeApi(functions)}, jobs)


def _build_published_variables(functions: Iterable[LambdaFunction], invoke_listener: socket) -> dict[str, str]:
    """Return what other programs need: the variables of all functions, and the URL of the Invoke API."""
    variables = {name: value for function in functions for name, value in function.spec.variables.items()}
    return variables | {"AWS_ENDPOINT_URL_LAMBDA": f"http://{HOST}:{invoke_listener.getsockname()[1]}"}


def _format_summary(connection: Connection, password: str, options: RunOptions, services: Services) -> str:
    """Return what the user needs: the URLs, the token, the password, and the files of the data."""
    dynamodb, secrets_manager, messaging = services.dynamodb, services.secrets_manager, services.messaging
    data = options.data
    return f"""
Customer      {connection.tenant}
SCIM URL      {connection.scim_url}
Token         {connection.token}
              (in {data}/token; with the URL in {data}/connection.json)
Console       http://{HOST}:{options.port}/
Password      {password}

Try           curl -H "Authorization: Bearer $(cat {data}/token)" {connection.scim_url}/Users

Table         on {_describe_process(dynamodb.name, dynamodb.process)}, data in {dynamodb.data}
Secrets       on {_describe_process("moto", secrets_manager)}, data in {secrets_manager.data}
Events        {messaging.events}
Dead letters  {messaging.dead_letters}
Log           {data}/functions.log

Press Ctrl-C to stop. Users and tokens are kept in {data}.
"""


def _describe_process(name: str, process: ServerProcess | None) -> str:
    return f"{name} (process {process.pid})" if process else name


def _print_request(request: Request, response: Response, seconds: float) -> None:
    """Print one line without the query: filters contain names and addresses."""
    print(f"{time.strftime('%H:%M:%S')}  {response.status}  {request.method} {request.path}  {seconds * 1000:.0f} ms")


def _poll_event_sources(
    stream: StreamReader, functions: Mapping[str, LambdaFunction], messaging: Messaging
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield a coroutine for each event source mapping and schedule; it invokes the function until cancelled."""
    for function in functions.values():
        if mapping := function.spec.stream:
            yield poll_stream(stream, mapping, function.invoke, partial(_send_to_failure_queue, messaging, mapping))
        if function.spec.queue:
            yield consume(function.spec.queue, messaging.queues, function.invoke)
        if function.spec.schedule:
            yield invoke_on_schedule(function.spec.schedule, function.invoke)


def _send_to_failure_queue(messaging: Messaging, mapping: StreamMapping, message: Mapping[str, Any]) -> None:
    """Send Lambda's message about discarded records to the on-failure destination of the mapping."""
    if mapping.failure_queue:
        messaging.queues.send(mapping.failure_queue, json.dumps(message))


async def _restart_dead_processes(services: Services) -> None:
    """Restart the engine and Secrets Manager whenever they die, until cancelled."""
    processes = [process for process in (services.dynamodb.process, services.secrets_manager) if process]
    while True:
        for process in processes:
            if process.has_died:
                process.start()
                await asyncio.to_thread(process.wait)
                print(f"{process.name} died and was started again, on port {process.port}")
        await asyncio.sleep(0.05)
