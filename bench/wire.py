"""The calls to AWS, at the one place where every boto3 client makes them: recorded, answered again, or kept back."""

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
    """A call that was made. ``started`` and ``ended`` are of the clock ``time.perf_counter``."""

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
    """Another call was made than the one that was recorded at this place."""


def _passing(calls: Callable[[BaseClient, str, Arguments], Any]) -> Any:
    return patch.object(BaseClient, _CALL, calls)


@contextmanager
def record_calls(*, answers: bool = True, limit: int | None = None) -> Iterator[list[Call]]:
    """The calls that are made in the block, from any thread; without their answers if nobody needs them.

    ``limit`` goes to queries that have none, and must not be what ends a page: dynoxide reads all that is left of a
    range for each page of 1 MB unless it is given one, so that a walk over it is quadratic.
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
        kept = answer if answers else None
        calls.append(Call(client, operation, arguments, kept, started, time.perf_counter()))
        return answer

    with _passing(record):
        yield calls


@contextmanager
def replay_calls(calls: Sequence[Call]) -> Iterator[None]:
    """Answers what was recorded, over and over, in the place of the clients' methods: what is left of a request is our
    own code, without what botocore does before it looks at a call."""
    answers = itertools.cycle([(call.operation, call.answer) for call in calls])

    def replaying_of(operation: str) -> Callable[..., Any]:
        def replay(_: BaseClient, **__: Any) -> Any:
            expected, answer = next(answers)
            if operation != expected:
                raise UnexpectedCall(f"{operation} instead of {expected}")
            return answer

        return replay

    def refuse(_: BaseClient, operation: str, __: Arguments) -> Any:
        raise UnexpectedCall(f"{operation} instead of {next(answers)[0]}")

    with _passing(refuse), ExitStack() as replaced:
        for client, operation in {(type(call.client), call.operation) for call in calls}:
            replaced.enter_context(patch.object(client, xform_name(operation), replaying_of(operation)))
        yield


@contextmanager
def collect_transactions(keep: Callable[[Arguments], None]) -> Iterator[None]:
    """Hands over transactions instead of sending them; all other calls are made."""

    def call(client: BaseClient, operation: str, arguments: Arguments) -> Any:
        if operation != "TransactWriteItems":
            return _make_call(client, operation, arguments)
        keep(arguments)
        return {}

    with _passing(call):
        yield


@contextmanager
def intercept_calls(observe: Callable[[BaseClient, str, Arguments, Callable[[], Any]], Any]) -> Iterator[None]:
    """Lets ``observe`` make each call, and look at the table before and after it."""

    def call(client: BaseClient, operation: str, arguments: Arguments) -> Any:
        return observe(client, operation, arguments, lambda: _make_call(client, operation, arguments))

    with _passing(call):
        yield


def send(client: BaseClient, operation: str, arguments: Arguments) -> Any:
    """A call that no block observes."""
    return _make_call(client, operation, arguments)


def build_repetitions(calls: Sequence[Call], client: BaseClient, table: str, other: str) -> list[Callable[[], Any]]:
    """The same calls for bare boto3, on another table, and new to the engine: a token makes a repetition no write."""
    prepared = []
    for call in calls:
        arguments = _rename_table(call.arguments, table, other)
        if "ClientRequestToken" in arguments:
            arguments["ClientRequestToken"] = str(uuid.uuid4())
        prepared.append(_bound(getattr(client, xform_name(call.operation)), arguments))
    return prepared


def _bound(method: Callable[..., Any], arguments: Arguments) -> Callable[[], Any]:
    return lambda: method(**arguments)


def _rename_table(value: Any, table: str, other: str) -> Any:
    if isinstance(value, dict):
        return {
            _rename_table(name, table, other): _rename_table(member, table, other) for name, member in value.items()
        }
    if isinstance(value, list):
        return [_rename_table(element, table, other) for element in value]
    return other if value == table else value
