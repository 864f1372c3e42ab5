"""Test new versions of the functions before they receive traffic, with a user of a test customer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Never

from scim.protocol.messages import BulkRequest, PatchRequest

_USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
_DOMAIN = "deployment-test.invalid"  # a name that never exists (RFC 6761 section 6.4)
_ATTEMPTS = 6
_PAUSE_S = 3.0
_UNAUTHORIZED = 401

Result = tuple[int, Any]
"""The status of a response, and its JSON document, ``None`` if it has no body."""


class ReleasedFunction(StrEnum):
    """The functions whose new versions are tested."""

    USERS = "UsersFunction"
    BULK = "BulkFunction"
    DISCOVERY = "DiscoveryFunction"
    ADMIN = "AdminFunction"
    CHANGES = "ChangesFunction"
    LINKS = "LinksFunction"

    @property
    def variable(self) -> str:
        """The name of the environment variable with the ARN of the new version."""
        return f"{self.name}_VERSION"


class ReleaseTestFailed(Exception):
    """A new version did not respond as expected. ``reason`` contains nothing that the version returned but a status."""

    def __init__(self, function: ReleasedFunction, reason: str) -> None:
        super().__init__(f"{function}: {reason}")
        self.function, self.reason = function, reason


class FunctionRaised(Exception):
    """A function raised an error, or ended without a response."""


@dataclass(frozen=True, slots=True)
class ReleaseTest:
    """Reads and writes a user with the new versions of the functions.

    Attributes:
        invoke: Sends an event to the new version of a function, and returns what this returned. Raises
            :class:`FunctionRaised`.
        token: The token of the test customer.
        new_id: Returns a random lower-case UUID.
        sleep: Waits for some seconds.
    """

    invoke: Callable[[ReleasedFunction, Mapping[str, Any]], Any]
    token: str
    new_id: Callable[[], str]
    sleep: Callable[[float], None]

    def run(self) -> None:
        """Run the test. Raise :class:`ReleaseTestFailed` at the first response that is wrong.

        The user is inactive, so that its deletion is no deactivation.
        """
        self._await_token()
        self._test_discovery()
        self._test_console()
        self._test_batches()
        name = f"{self.new_id()}@{_DOMAIN}"
        user = {"schemas": [_USER_SCHEMA], "userName": name, "active": False}
        created = self._send(ReleasedFunction.USERS, "POST", "Users", 201, user)
        path = f"Users/{created['id']}"
        try:
            self._test_user(path, name)
        finally:
            self._send(ReleasedFunction.USERS, "DELETE", path, 204)
        self._send(ReleasedFunction.USERS, "GET", path, 404)

    def _await_token(self) -> None:
        """Wait until the token works. Secrets Manager may return a new token only after some seconds."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.sleep(_PAUSE_S)
            status, _ = self._request(ReleasedFunction.USERS, "GET", "Users?count=0")
            if status != _UNAUTHORIZED:
                break
        _check_status(ReleasedFunction.USERS, "GET Users", status, 200)

    def _test_discovery(self) -> None:
        self._send(ReleasedFunction.DISCOVERY, "GET", "Schemas", 200)

    def _test_console(self) -> None:
        event = _build_event("GET", "/admin/sign-in", None, None)
        response = self._invoke(ReleasedFunction.ADMIN, event)
        _check_status(ReleasedFunction.ADMIN, "GET /admin/sign-in", _read_status(ReleasedFunction.ADMIN, response), 200)

    def _test_batches(self) -> None:
        """Send empty batches: the functions read their settings and create their clients."""
        for function in (ReleasedFunction.CHANGES, ReleasedFunction.LINKS):
            if self._invoke(function, {"Records": []}) != {"batchItemFailures": []}:
                _fail(function, "the response to an empty batch is wrong")

    def _test_user(self, path: str, name: str) -> None:
        """Find a user, change it in a bulk request, and read it again."""
        users = self._send(ReleasedFunction.USERS, "GET", f'Users?filter=userName%20eq%20"{name}"', 200)
        if users["totalResults"] != 1:
            _fail(ReleasedFunction.USERS, "a filter does not find the new user")
        change = {"method": "PATCH", "path": f"/{path}", "data": _build_patch("displayName", name)}
        bulk = {"schemas": [BulkRequest.urn], "Operations": [change]}
        (result,) = self._send(ReleasedFunction.BULK, "POST", "Bulk", 200, bulk)["Operations"]
        _check_status(ReleasedFunction.BULK, "PATCH in a bulk request", int(result["status"]), 200)
        if self._send(ReleasedFunction.USERS, "GET", path, 200).get("displayName") != name:
            _fail(ReleasedFunction.USERS, "a change is not stored")

    def _send(self, function: ReleasedFunction, method: str, path: str, expected: int, body: Any = None) -> Any:
        """Send a request, and return the document in the response. Raise an error for another status."""
        status, document = self._request(function, method, path, body)
        _check_status(function, f"{method} {path.partition('?')[0].partition('/')[0]}", status, expected)
        return document

    def _request(self, function: ReleasedFunction, method: str, path: str, body: Any = None) -> Result:
        response = self._invoke(function, _build_event(method, f"/scim/v2/{path}", self.token, body))
        content = response.get("body") if isinstance(response, dict) else None
        return _read_status(function, response), json.loads(content) if content else None

    def _invoke(self, function: ReleasedFunction, event: Mapping[str, Any]) -> Any:
        try:
            return self.invoke(function, event)
        except FunctionRaised as error:
            raise ReleaseTestFailed(function, str(error)) from error


def _fail(function: ReleasedFunction, reason: str) -> Never:
    raise ReleaseTestFailed(function, reason)


def _check_status(function: ReleasedFunction, request: str, status: int, expected: int) -> None:
    if status != expected:
        _fail(function, f"the response to {request} has the status {status} instead of {expected}")


def _read_status(function: ReleasedFunction, response: Any) -> int:
    status = response.get("statusCode") if isinstance(response, dict) else None
    return status if isinstance(status, int) else _fail(function, "the response has no status")


def _build_patch(path: str, value: str) -> dict[str, Any]:
    operation = {"op": "replace", "path": path, "value": value}
    return {"schemas": [PatchRequest.urn], "Operations": [operation]}


def _build_event(method: str, url: str, token: str | None, body: Any) -> dict[str, Any]:
    """Return a request as API Gateway sends it (payload format 2.0)."""
    path, _, query = url.partition("?")
    headers = {"user-agent": "muster-deployment-test", "content-type": "application/scim+json"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers | ({"authorization": f"Bearer {token}"} if token else {}),
        "requestContext": {
            "domainName": _DOMAIN,
            "requestId": "deployment-test",
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
