"""Record, replay or intercept AWS calls, by patching the methods through which all clients make them."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore import xform_name
from botocore.client import BaseClient

from scim.aws.wire.client import WireClient

AwsClient = BaseClient | WireClient
"""A client of boto3, or our own."""
Arguments = dict[str, Any]

_CALL = "_make_api_call"
_make_boto3_call: Callable[[BaseClient, str, Arguments], Any] = getattr(BaseClient, _CALL)
_make_wire_call = WireClient.call


def _make_call(client: AwsClient, operation: str, arguments: Arguments) -> Any:
    if isinstance(client, WireClient):
        return _make_wire_call(client, operation, arguments)
    return _make_boto3_call(client, operation, arguments)


def get_service(client: AwsClient) -> str:
    """Return the name of the AWS service that a client calls, such as ``dynamodb``."""
    return str(client.service if isinstance(client, WireClient) else client.meta.service_model.service_name)


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded AWS call. ``started`` and ``ended`` are values of ``time.perf_counter``."""

    client: AwsClient
    operation: str
    arguments: Arguments
    response: Any
    started: float
    ended: float

    @property
    def service(self) -> str:
        """Return the name of the AWS service, such as ``dynamodb``."""
        return get_service(self.client)


class UnexpectedCall(Exception):
    """A call differs from the recorded call at the same position."""


@contextmanager
def _patch_calls(calls: Callable[[Any, str, Arguments], Any]) -> Iterator[None]:
    with patch.object(BaseClient, _CALL, calls), patch.object(WireClient, "call", calls):
        yield


@contextmanager
def record_calls(*, responses: bool = True, limit: int | None = None) -> Iterator[list[Call]]:
    """Record the calls in the block, from all threads. ``responses``: record their responses, too.

    ``limit`` is added to queries that have none. Without a limit, dynoxide reads the rest of the range for each page of
    1 MB, so the time of a scan would be quadratic. The limit must be larger than a page: otherwise
    :class:`UnexpectedCall` is raised.
    """
    calls: list[Call] = []

    def record(client: AwsClient, operation: str, arguments: Arguments) -> Any:
        added = limit is not None and operation == "Query" and "Limit" not in arguments
        if added:
            arguments = arguments | {"Limit": limit}
        started = time.perf_counter()
        response = _make_call(client, operation, arguments)
        if added and response["Count"] == limit and "LastEvaluatedKey" in response:
            raise UnexpectedCall(f"the limit of {limit} ended a page")
        recorded = response if responses else None
        calls.append(Call(client, operation, arguments, recorded, started, time.perf_counter()))
        return response

    with _patch_calls(record):
        yield calls


@contextmanager
def replay_calls(calls: Sequence[Call]) -> Iterator[None]:
    """Replace the methods of the clients by functions that return the recorded responses, again and again.

    A request then runs only our own code, without botocore. Raise :class:`UnexpectedCall` for any other call.
    """
    responses = itertools.cycle([(call.operation, call.response) for call in calls])

    def build_replay(operation: str) -> Callable[..., Any]:
        def replay(_: AwsClient, **__: Any) -> Any:
            expected, response = next(responses)
            if operation != expected:
                raise UnexpectedCall(f"{operation} instead of {expected}")
            return response

        return replay

    def refuse(_: AwsClient, operation: str, __: Arguments) -> Any:
        raise UnexpectedCall(f"{operation} instead of {next(responses)[0]}")

    with _patch_calls(refuse), ExitStack() as replaced:
        for client, operation in {(type(call.client), call.operation) for call in calls}:
            replaced.enter_context(patch.object(client, xform_name(operation), build_replay(operation)))
        yield


@contextmanager
def collect_transactions(keep: Callable[[Arguments], None]) -> Iterator[None]:
    """Pass transactions to ``keep`` instead of sending them. Send all other calls to the engine."""

    def call(client: AwsClient, operation: str, arguments: Arguments) -> Any:
        if operation != "TransactWriteItems":
            return _make_call(client, operation, arguments)
        keep(arguments)
        return {}

    with _patch_calls(call):
        yield


@contextmanager
def intercept_calls(observe: Callable[[AwsClient, str, Arguments, Callable[[], Any]], Any]) -> Iterator[None]:
    """Call ``observe`` instead of making a call. Its last argument makes the call and returns the response."""

    def call(client: AwsClient, operation: str, arguments: Arguments) -> Any:
        return observe(client, operation, arguments, lambda: _make_call(client, operation, arguments))

    with _patch_calls(call):
        yield


def send(client: AwsClient, operation: str, arguments: Arguments) -> Any:
    """Make a call that is neither recorded nor intercepted."""
    return _make_call(client, operation, arguments)


def build_repetitions(calls: Sequence[Call], client: BaseClient, table: str, other: str) -> list[Callable[[], Any]]:
    """Return functions that repeat the calls with bare boto3 on the table ``other``.

    Transactions get new tokens. With the same token, the engine would not write again.
    """
    prepared = []
    for call in calls:
        arguments = _rename_table(call.arguments, table, other)
        if "ClientRequestToken" in arguments:
            arguments["ClientRequestToken"] = str(uuid.uuid4())
        prepared.append(_bind(getattr(client, xform_name(call.operation)), arguments))
    return prepared


def _bind(method: Callable[..., Any], arguments: Arguments) -> Callable[[], Any]:
    return lambda: method(**arguments)


def _rename_table(value: Any, table: str, other: str) -> Any:
    if isinstance(value, dict):
        return {
            _rename_table(name, table, other): _rename_table(member, table, other) for name, member in value.items()
        }
    if isinstance(value, list):
        return [_rename_table(element, table, other) for element in value]
    return other if value == table else value
