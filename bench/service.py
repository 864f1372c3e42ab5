"""Call the users function on one table, as Lambda does."""

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

import handlers.http.application
from bench.environment import FUNCTION, set_environment
from bench.wire import Call, record_calls
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from local.api_gateway.event import Request, build_event
from local.api_gateway.routes import DEFAULT, Match, Route
from scim.aws.botocore_client import build_botocore_config
from scim.aws.config import ClientConfig, ClientKind
from scim.wiring import dynamodb, runtime

BASE = "/scim/v2"
TIMEOUT_S = 29.0
"""The timeout of the function on AWS, for calculations."""
REQUEST_TIMEOUT_S = 3_600.0
"""The timeout of a request here. It is long, so that a slow engine or machine does not make a request fail."""
_PERMITS = 1_000_000
_PATIENT_CONFIG = ClientConfig(connect_timeout_s=REQUEST_TIMEOUT_S, read_timeout_s=REQUEST_TIMEOUT_S)
BARE_CONFIG = build_botocore_config(_PATIENT_CONFIG)
"""The configuration of bare boto3. It validates no parameters, as ours, so that it is faster."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table on an engine, with one tenant in it. ``ca_bundle`` is the file of the engine's certificate, or empty."""

    name: str
    url: str
    secrets_url: str
    tenant: str
    token: str
    ca_bundle: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables of a function on this table."""
        return FUNCTION | {
            "TABLE_NAME": self.name,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.secrets_url,
            **({"AWS_CA_BUNDLE": self.ca_bundle} if self.ca_bundle else {}),
        }


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The members of Lambda's context object that the handlers use. ``deadline`` is in ``time.monotonic`` seconds."""

    deadline: float
    aws_request_id: str = "bench"
    function_name: str = "muster"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the deadline."""
        return int((self.deadline - time.monotonic()) * 1_000)


class RequestFailed(Exception):
    """The status of a response is 300 or higher."""


class _SilentLogger:
    """Replaces the logger. All methods do nothing, except that ``error`` raises."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def error(self, *_: Any, **fields: Any) -> None:
        raise RequestFailed(f"the function logged an error: {fields}")

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


class Service:
    """Sends events to a new instance of the application.

    The application's clock is stopped. So it reads the token and records its use only in the first request, and not
    once a minute, even if the machine is slow. It has leased enough permits of the rate limit, so no request leases
    more. An execution environment leases them at most once for ten writes.
    """

    def __init__(
        self, table: Table, *, silent: bool = False, warm: bool = True, aws_client: ClientKind | None = None
    ) -> None:
        """Create the application.

        ``silent``: without log lines. ``warm``: send a first request to fill the caches. ``aws_client``: the setting
        ``AWS_CLIENT``, ``None`` for its default.
        """
        self.table = table
        started = time.time()
        with ExitStack() as patches:
            patches.enter_context(patch.object(runtime, "current_time", lambda: started))
            patches.enter_context(patch.object(dynamodb, "DYNAMODB_CONFIG", _PATIENT_CONFIG))
            if silent:
                patches.enter_context(patch.object(handlers.http.application, "JsonLogger", _SilentLogger))
            self._application = ScimApplication(find_endpoint)
            if warm:
                with set_environment(table.variables | ({} if aws_client is None else {"AWS_CLIENT": aws_client})):
                    self.send("GET", "/Users?count=0")
                    leased = self._application._adapters.rate_limiter.get_leased(table.tenant)  # noqa: SLF001  # no setting has it
                    leased.count, leased.leased_at, leased.known_at = _PERMITS, started, started

    def event(self, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> dict[str, Any]:
        """Return API Gateway's event for a request. ``agent`` is the ``User-Agent``."""
        return event(self.table.token, method, path, body, agent)

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Send an event, and return the response. Raise :class:`RequestFailed` unless it succeeds."""
        context: Any = LambdaContext(time.monotonic() + REQUEST_TIMEOUT_S)
        response = self._application(event, context)
        if response["statusCode"] >= 300:
            raise RequestFailed(f"{event['rawPath']}: {response['statusCode']} {response['body'][:300]}")
        return response

    def send(self, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> Any:
        """Send a request, and return the parsed body of the response. Raise :class:`RequestFailed`."""
        response = self(self.event(method, path, body, agent))
        return json.loads(response["body"]) if response["body"] else None

    def calls(self, next_event: Callable[[], Mapping[str, Any]]) -> list[Call]:
        """Send a request, and return the AWS calls that it makes."""
        event = next_event()
        with record_calls() as calls:
            self(event)
        return calls


def event(token: str, method: str, path: str, body: Any = None, agent: str = "bench/1.0") -> dict[str, Any]:
    """Return API Gateway's event for a request to a path below the base URL."""
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
