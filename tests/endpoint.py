"""The endpoint as identity providers see it: HTTP requests become events of API Gateway for the real handlers."""

import base64
import copy
import importlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from local.api_gateway.event import Request, build_event, decode_path
from local.api_gateway.routes import Routes
from local.template import FunctionSpec, Template

TEMPLATE = Template(Path(__file__).parent.parent / "template.yaml")
BASE_URL = "https://scim.example.com/scim/v2"
TIMEOUT_S = 290.0
"""Ten times Lambda's timeout, so that no test depends on the speed of the machine. Some tests set shorter ones."""

REFERENCES = {
    "AWS::StackName": "muster",
    "Table": "muster",
    "MasterKey": "muster/master-key",
    "AdminPassword": "muster/admin-password",
    "OpenIdClient": "muster/openid-client",
    "AlertSettings": "muster/alert-settings",
    "EventBus": "muster",
    "LinksQueue": "https://queue.example.com/links",
    "DeadLetterQueue": "https://queue.example.com/dead-letters",
    "LinksDeadLetterQueue": "https://queue.example.com/links-dead-letters",
}
PASSWORD = "correct horse battery staple"

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_CLIENT": "botocore",  # moto replaces the HTTP calls of botocore
    "TABLE_NAME": "muster",
    "SECRET_PREFIX": "muster/tenants/",
    "MASTER_KEY_SECRET": "muster/master-key",
    "PASSWORD_SECRET": "muster/admin-password",
    "OPENID_SECRET": "muster/openid-client",
    "ALERT_SECRET": "muster/alert-settings",
    "POWERTOOLS_SERVICE_NAME": "muster",
    "POWERTOOLS_METRICS_NAMESPACE": "Muster",
}

# What references of the template's variables lead to.


def read_functions() -> list[FunctionSpec]:
    """Return the functions of the template with the variables of the tests."""
    return TEMPLATE.read_functions(REFERENCES, ENVIRONMENT | {"FunctionLogs": ""})


@dataclass(frozen=True)
class LambdaContext:
    """The members of Lambda's context that handlers use."""

    deadline: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_S)
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return int((self.deadline - time.monotonic()) * 1_000)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def without_rate_limit(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without those of the rate limit, which a read has only after a write."""
    return {name: value for name, value in headers.items() if not name.startswith(("ratelimit", "x-rate-limit"))}


class Endpoint:
    """Sends requests with the token of a tenant. Paths are relative to ``base``."""

    def __init__(self, token: str, users: Handler | None = None) -> None:
        """``users`` replaces the handlers of users and bulk, for example by one with another engine."""
        self.token = token
        specs = read_functions()
        self._routes = Routes(route for spec in specs for route in spec.routes)
        self._handlers = {spec.name: load(spec.handler) for spec in specs}
        if users is not None:
            self._handlers |= {"UsersFunction": users, "BulkFunction": users}

    def with_functions(self, token: str, users: Handler, discovery: Handler) -> Self:
        """Return an endpoint with another token and with other functions, for example new ones."""
        changed = copy.copy(self)
        changed.token = token
        functions = {"UsersFunction": users, "BulkFunction": users, "DiscoveryFunction": discovery}
        changed._handlers = self._handlers | functions  # noqa: SLF001  # of the same class
        return changed

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        *,
        base: str = "/scim/v2",
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return the status, the headers with lower-case names, and the body."""
        raw_path, _, query = (base + path).partition("?")
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/scim+json"}
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        request = Request(
            method=method,
            path=raw_path,
            query=query,
            headers=(("host", "scim.example.com"), *((name, value) for name, value in sent.items() if value)),
            body=body.encode() if isinstance(body, str) else body or b"",
            client="192.0.2.1",
        )
        decoded = decode_path(raw_path)
        match = self._routes.select(method, decoded)
        assert match is not None
        event = build_event(request, decoded, match, datetime.now(UTC), str(uuid.uuid4()))
        return invoke(self._handlers[match.route.function], event)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request with a JSON body; keywords such as ``if_match`` are headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(*self.send(method, path, sent, None if body is None else json.dumps(body)))

    def create(self, **attributes: Any) -> dict[str, Any]:
        """Create a user and return it. Without a ``userName`` it gets a random one."""
        user = {"schemas": [CORE], "userName": f"{uuid.uuid4()}@example.com"} | attributes
        response = self.request("POST", "/Users", user)
        assert response.status == 201, response.body
        created: dict[str, Any] = response.json()
        return created

    def patch(self, user_id: str, *operations: Mapping[str, Any], **headers: str) -> Response:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
        return self.request("PATCH", f"/Users/{user_id}", body, **headers)


CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SURVEY = "urn:ietf:params:scim:schemas:extension:survey:2.0:User"


def load(handler: str) -> Handler:
    """Return the handler with the name that the template has."""
    module, _, name = handler.rpartition(".")
    function: Handler = getattr(importlib.import_module(module), name)
    return function


def invoke(handler: Handler, event: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Invoke a handler; return status, headers and body as API Gateway would send them."""
    response = handler(event, LambdaContext())
    body = response["body"].encode()
    if response.get("isBase64Encoded"):
        body = base64.b64decode(body)
    return response["statusCode"], {key.lower(): value for key, value in response["headers"].items()}, body
