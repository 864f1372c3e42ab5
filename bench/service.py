"""The users function on one table: events in, answers out, as Lambda calls it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from botocore.config import Config

import handlers.http.application
from bench.environment import FUNCTION, set_environment
from bench.wire import Call, record_calls
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from local.api_gateway.event import Request, build_event
from local.api_gateway.routes import DEFAULT, Match, Route
from scim.aws.clients import DYNAMODB_CONFIG
from scim.wiring import dynamodb, runtime

BASE = "/scim/v2"
TIMEOUT_S = 29.0  # of the function, in what is calculated for AWS
PATIENCE_S = 3_600.0
"""The time of a request here. The engine is slower than DynamoDB, the machine may be slower than any, and no request is
to fail for that."""
_OUTSIDE = ("Logger", "Metrics")  # what handlers.http.application has of powertools


@dataclass(frozen=True, slots=True)
class Table:
    """A table on an engine, with one tenant in it."""

    name: str
    url: str
    secrets_url: str
    tenant: str
    token: str

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of a function is on this table."""
        return FUNCTION | {
            "TABLE_NAME": self.name,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.secrets_url,
        }


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """As much of Lambda's context as handlers use."""

    deadline: float
    aws_request_id: str = "bench"
    function_name: str = "muster"

    def get_remaining_time_in_millis(self) -> int:
        return int((self.deadline - time.monotonic()) * 1_000)


class RequestFailed(Exception):
    """The function answered with another status than success."""


class _SilentLogger:
    """Stands where powertools is: everything can be called, and nothing happens but that faults are not hidden."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def error(self, *_: Any, **fields: Any) -> None:
        raise RequestFailed(f"a fault of ours: {fields}")

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


class Service:
    """Answers events with a fresh application.

    Time stands still for it: what it does once a minute (reading the token again, storing when it was last used) is
    over with the first request, however long the machine takes for the others.
    """

    def __init__(self, table: Table, *, silent: bool = False, warm: bool = True) -> None:
        """``silent`` leaves powertools out; ``warm`` has the first request, of nobody in particular, done with."""
        self.table = table
        started = time.time()
        patient = DYNAMODB_CONFIG.merge(Config(connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S))
        with ExitStack() as outside:
            outside.enter_context(patch.object(runtime, "current_time", lambda: started))
            outside.enter_context(patch.object(dynamodb, "DYNAMODB_CONFIG", patient))
            for name in _OUTSIDE if silent else ():
                if hasattr(handlers.http.application, name):
                    outside.enter_context(patch.object(handlers.http.application, name, _SilentLogger))
            self._application = ScimApplication(find_endpoint)
            if warm:
                with set_environment(table.variables):
                    self.send("GET", "/Users?count=0")

    def event(self, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> dict[str, Any]:
        """The gateway's event for a request; ``agent`` is the client's name for itself."""
        return event(self.table.token, method, path, body, agent)

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. Raises :class:`RequestFailed` for one that is no success."""
        context: Any = LambdaContext(time.monotonic() + PATIENCE_S)
        answer = self._application(event, context)
        if answer["statusCode"] >= 300:
            raise RequestFailed(f"{event['rawPath']}: {answer['statusCode']} {answer['body'][:300]}")
        return answer

    def send(self, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> Any:
        """The answer's JSON."""
        answer = self(self.event(method, path, body, agent))
        return json.loads(answer["body"]) if answer["body"] else None

    def calls(self, next_event: Callable[[], Mapping[str, Any]]) -> list[Call]:
        """Return the calls that a request makes, warm."""
        event = next_event()
        with record_calls() as calls:
            self(event)
        return calls


def event(token: str, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> dict[str, Any]:
    """The gateway's event for a request to a path below the base URL."""
    raw_path, _, query = (BASE + path).partition("?")
    headers = (
        ("host", "scim.example.com"),
        ("authorization", f"Bearer {token}"),
        ("user-agent", agent),
        ("accept", "application/scim+json"),
        ("content-type", "application/scim+json"),
    )
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    request = Request(method, raw_path, query, headers, content, "192.0.2.1")
    match = Match(Route(DEFAULT, "UsersFunction"), {})
    return build_event(request, raw_path, match, datetime.now(UTC), str(uuid.uuid4()))
