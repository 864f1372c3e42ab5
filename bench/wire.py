"""Record, replay or intercept the calls to AWS, at the one method by which all boto3 clients make them."""

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

Arguments = dict[str, Any]

_CALL = "_make_api_call"
_make_call: Callable[[BaseClient, str, Arguments], Any] = getattr(BaseClient, _CALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call. ``started`` and ``ended`` are from ``time.perf_counter``."""

    client: BaseClient
    operation: str
    arguments: Arguments
    answer: Any
    started: float
    ended: float

    @property
    def service(self) -> str:
        return str(self.client.meta.service_model.service_name)


class UnexpectedCall(Exception):
    """A call differs from the recorded call at the same position."""


def _patch_calls(calls: Callable[[BaseClient, str, Arguments], Any]) -> Any:
    return patch.object(BaseClient, _CALL, calls)


@contextmanager
def record_calls(*, answers: bool = True, limit: int | None = None) -> Iterator[list[Call]]:
    """Record the calls in the block, from all threads. ``answers``: record their responses, too.

    ``limit`` is added to queries that have none, and must not end a page: without a limit, dynoxide reads the rest of
    the range for each page of 1 MB, so that the time for a scan is quadratic.
    """
    calls: list[Call] = []

    def record(client: BaseClient, operation: str, arguments: Arguments) -> Any:
        added = limit is not None and operation == "Query" and "Limit" not in arguments
        if added:
            arguments = arguments | {"Limit": limit}
        started = time.perf_counter()
        answer = _make_call(client, operation, arguments)
        if added and answer["Count"] == limit and "LastEvaluatedKey" in answer:
            raise UnexpectedCall(f"a page was ended by the limit of {limit}")
        recorded = answer if answers else None
        calls.append(Call(client, operation, arguments, recorded, started, time.perf_counter()))
        return answer

    with _patch_calls(record):
        yield calls


@contextmanager
def replay_calls(calls: Sequence[Call]) -> Iterator[None]:
    """Return the recorded responses, over and over, instead of the clients' methods.

    So a request runs only our own code, without botocore.
    """
    answers = itertools.cycle([(call.operation, call.answer) for call in calls])

    def build_replay(operation: str) -> Callable[..., Any]:
        def replay(_: BaseClient, **__: Any) -> Any:
            expected, answer = next(answers)
            if operation != expected:
                raise UnexpectedCall(f"{operation} instead of {expected}")
            return answer

        return replay

    def refuse(_: BaseClient, operation: str, __: Arguments) -> Any:
        raise UnexpectedCall(f"{operation} instead of {next(answers)[0]}")

    with _patch_calls(refuse), ExitStack() as replaced:
        for client, operation in {(type(call.client), call.operation) for call in calls}:
            replaced.enter_context(patch.object(client, xform_name(operation), build_replay(operation)))
        yield


@contextmanager
def collect_transactions(keep: Callable[[Arguments], None]) -> Iterator[None]:
    """Pass transactions to ``keep`` instead of sending them. Send all other calls."""

    def call(client: BaseClient, operation: str, arguments: Arguments) -> Any:
        if operation != "TransactWriteItems":
            return _make_call(client, operation, arguments)
        keep(arguments)
        return {}

    with _patch_calls(call):
        yield


@contextmanager
def intercept_calls(observe: Callable[[BaseClient, str, Arguments, Callable[[], Any]], Any]) -> Iterator[None]:
    """Let ``observe`` make each call, so that it can read the table before and after it."""

    def call(client: BaseClient, operation: str, arguments: Arguments) -> Any:
        return observe(client, operation, arguments, lambda: _make_call(client, operation, arguments))

    with _patch_calls(call):
        yield


def send(client: BaseClient, operation: str, arguments: Arguments) -> Any:
    """Make a call that is neither recorded nor intercepted."""
    return _make_call(client, operation, arguments)


def build_repetitions(calls: Sequence[Call], client: BaseClient, table: str, other: str) -> list[Callable[[], Any]]:
    """Return the calls for bare boto3 on another table, with new tokens: with the same, the engine would not write."""
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
