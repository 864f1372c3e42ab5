"""The operations of the endpoint that get faults, and what each of them does without faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scim.service.model.token import IssuedToken
from scim.wiring.administration import Administration
from tests.endpoint import CORE, ENTERPRISE, Endpoint, Response
from tests.engine.faults.users import Create, Delete, Update, Users, Write, find_id

_BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

_ONE_BY_ONE = {"failOnErrors": 1}
_SLOW_REFILL = {"RATE_LIMIT": "0.01"}  # so that the bucket is never full, and each new environment needs two calls
_ALERT_AT_ONCE = {"DEACTIVATION_ALERT_MINIMUM": "1", "DEACTIVATION_ALERT_PERCENT": "1"}


@dataclass
class Customer:
    """A new customer with the users ``ada`` and ``bob``, who are active, and ``eve``, who is not."""

    issued: IssuedToken
    endpoint: Endpoint
    administration: Administration
    ids: dict[str, str] = field(default_factory=dict)
    """The ids of the users by ``userName``."""
    old_token: str = ""
    """The token before the last rotation."""

    @property
    def id(self) -> str:
        """The id of the customer."""
        return self.issued.tenant_id

    def create_users(self) -> None:
        """Create the users."""
        for name, is_active in [("ada", True), ("bob", True), ("eve", False)]:
            self.ids[name] = self.endpoint.create(userName=name, externalId=f"x-{name}", active=is_active)["id"]

    def rotate_token(self, grace_s: float) -> None:
        """Replace the token. The old one stays valid for some seconds."""
        tokens = self.administration.tenants.tokens
        tokens.mark_revealed(self.issued)
        self.old_token, self.issued = self.issued.token, tokens.rotate(self.id, grace_s=grace_s)
        self.endpoint.token = self.issued.token


@dataclass(frozen=True)
class Result:
    """The result of a request or of a bulk operation. ``detail`` is that of an error."""

    status: int
    detail: str = ""


@dataclass(frozen=True)
class Part:
    """A request, or an operation of a bulk request, that succeeds or fails on its own.

    Attributes:
        status: The status without faults.
        write: What it changes, ``None`` for a read or an error.
        repeated: Further statuses if it is sent again after its change was stored.
    """

    status: int
    write: Write | None = None
    repeated: Sequence[int] = ()


class Operation(Protocol):
    """A request of an identity provider.

    Attributes:
        name: The name in messages.
        parts: What succeeds or fails on its own.
        is_first_use: Whether the environment has never read the token, so that the calls of the authentication are
            part of the request.
        is_read: Whether it can be repeated without a change of its calls.
        variables: Environment variables of the functions.
    """

    @property
    def name(self) -> str: ...
    @property
    def parts(self) -> Sequence[Part]: ...
    @property
    def is_first_use(self) -> bool: ...
    @property
    def is_read(self) -> bool: ...
    @property
    def variables(self) -> Mapping[str, str]: ...

    def prepare(self, customer: Customer) -> None:
        """Create the users of a new customer, and what else the request needs."""

    def send(self, customer: Customer) -> Response:
        """Send the request."""

    def send_again(self, customer: Customer, users: Users, failed: Sequence[int], /) -> tuple[Response, Sequence[Part]]:
        """Send the failed parts again, as a client does. ``users`` are the users at this time."""

    def read_results(self, response: Response, number: int, /) -> Sequence[Result]:
        """Return the results of the ``number`` parts that were sent."""


Send = Callable[[Customer], Response]


@dataclass(frozen=True)
class Single:
    """A request that is not a bulk request. Implements :class:`Operation`."""

    name: str
    send: Send
    status: int = 200
    write: Write | None = None
    repeated: Sequence[int] = ()
    configure: Callable[[Customer], None] = lambda _: None
    preparation: Callable[[Customer], None] = lambda _: None
    is_first_use: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Sequence[Part]:
        return [Part(self.status, self.write, self.repeated)]

    @property
    def is_read(self) -> bool:
        return self.write is None and not self.variables

    def prepare(self, customer: Customer) -> None:
        self.configure(customer)
        customer.create_users()
        self.preparation(customer)

    def send_again(self, customer: Customer, *_: object) -> tuple[Response, Sequence[Part]]:
        return self.send(customer), self.parts

    def read_results(self, response: Response, _: int) -> Sequence[Result]:
        return [Result(response.status, _read_detail(response))]


@dataclass(frozen=True)
class Bulk:
    """A bulk request. Implements :class:`Operation`.

    ``members`` are its members other than the operations. In the path of an operation, ``{ada}`` is the id of the user
    ``ada``.
    """

    name: str
    operations: Sequence[tuple[Mapping[str, Any], Part]]
    members: Mapping[str, Any] = field(default_factory=dict)
    is_first_use: bool = False
    is_read: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Sequence[Part]:
        return [part for _, part in self.operations]

    def prepare(self, customer: Customer) -> None:
        customer.create_users()

    def send(self, customer: Customer) -> Response:
        return self._send(customer, [operation for operation, _ in self.operations], self.members)

    def send_again(self, customer: Customer, users: Users, failed: Sequence[int]) -> tuple[Response, Sequence[Part]]:
        operations, parts = zip(*(self.operations[index] for index in failed), strict=True)
        # Without failOnErrors: a user who exists already must not end the request.
        return self._send(customer, [_resolve_bulk_ids(operation, users) for operation in operations], {}), parts

    def read_results(self, response: Response, number: int) -> Sequence[Result]:
        if response.status != 200:
            return [Result(response.status, _read_detail(response))] * number
        results = [
            Result(int(result["status"]), result.get("response", {}).get("detail", ""))
            for result in response.json()["Operations"]
        ]
        if self.members:  # failOnErrors has ended the request
            results += [Result(503, "not attempted")] * (number - len(results))
        assert len(results) == number, results
        return results

    @staticmethod
    def _send(customer: Customer, operations: Sequence[Mapping[str, Any]], members: Mapping[str, Any]) -> Response:
        sent = [{**operation, "path": operation["path"].format(**customer.ids)} for operation in operations]
        body = {"schemas": [_BULK_REQUEST], "Operations": sent, **members}
        return customer.endpoint.request("POST", "/Bulk", body)


def _resolve_bulk_ids(value: Any, users: Users) -> Any:
    """Replace each reference to a ``bulkId`` by the id of the user with this name, if there is one."""
    if isinstance(value, Mapping):
        return {name: _resolve_bulk_ids(member, users) for name, member in value.items()}
    if isinstance(value, list):
        return [_resolve_bulk_ids(element, users) for element in value]
    if isinstance(value, str) and (user_id := find_id(users, value.rpartition("bulkId:")[2])) and "bulkId:" in value:
        return value.partition("bulkId:")[0] + user_id
    return value


def _read_detail(response: Response) -> str:
    return str(response.json().get("detail", "")) if response.status >= 400 else ""


def _request(method: str, path: str, body: Any = None, **headers: str) -> Send:
    """Return a function that sends a request. ``{ada}`` in the path is the id of the user ``ada``."""
    return lambda customer: customer.endpoint.request(method, path.format(**customer.ids), body, **headers)


def _user(name: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": name, "externalId": f"x-{name}"} | attributes


def _patch(path: str, value: Any) -> dict[str, Any]:
    return {"schemas": [_PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def _read_first_cursor(customer: Customer) -> None:
    page = customer.endpoint.request("GET", "/Users?cursor&count=1").json()
    customer.ids["cursor"] = page["nextCursor"]


def _read_first_index(customer: Customer) -> None:
    customer.endpoint.request("GET", "/Users?startIndex=1&count=1")


def _with_old_token(text: str) -> Send:
    """Return a function that sends the old token after ``text``."""
    return lambda customer: customer.endpoint.request(
        "GET", "/Users?count=1", authorization=f"{text} {customer.old_token}"
    )


def _turn_brake_on(customer: Customer) -> None:
    customer.administration.tenants.set_brake(customer.id, is_on=True)


def _create(name: str, **attributes: Any) -> tuple[Mapping[str, Any], Part]:
    """Return a bulk operation that creates a user."""
    operation = {"method": "POST", "path": "/Users", "bulkId": name, "data": _user(name, **attributes)}
    return operation, Part(201, Create(name), [409])


def _update(name: str, path: str, value: Any) -> tuple[Mapping[str, Any], Part]:
    """Return a bulk operation that changes an attribute of a user."""
    operation = {"method": "PATCH", "path": f"/Users/{{{name}}}", "data": _patch(path, value)}
    return operation, Part(200, Update(name, {path: value}))


def _delete(name: str) -> tuple[Mapping[str, Any], Part]:
    """Return a bulk operation that deletes a user."""
    return {"method": "DELETE", "path": f"/Users/{{{name}}}"}, Part(204, Delete(name), [404])


def _manager(name: str) -> dict[str, Any]:
    return {ENTERPRISE: {"manager": {"value": f"bulkId:{name}"}}}


OPERATIONS: Sequence[Operation] = [
    Single("GET a user", _request("GET", "/Users/{ada}")),
    Single("GET an unknown user", _request("GET", "/Users/00000000-0000-4000-8000-000000000000"), 404),
    Single("filter by userName", _request("GET", "/Users?filter=userName%20eq%20%22BOB%22")),
    Single("filter by externalId", _request("GET", "/Users?filter=externalId%20eq%20%22x-eve%22")),
    Single("filter that scans", _request("GET", "/Users?filter=active%20eq%20false")),
    Single(
        "search sorted by name",
        _request("POST", "/Users/.search", {"schemas": [_SEARCH_REQUEST], "sortBy": "userName"}),
    ),
    Single(
        "users changed since a time",
        _request("GET", "/Users?filter=meta.lastModified%20gt%20%222020-01-01T00:00:00Z%22"),
    ),
    Single("first page by cursor", _request("GET", "/Users?cursor&count=2")),
    Single("next page by cursor", _request("GET", "/Users?cursor={cursor}&count=1"), preparation=_read_first_cursor),
    Single("first page by startIndex", _request("GET", "/Users?startIndex=1&count=1")),
    Single("next page by startIndex", _request("GET", "/Users?startIndex=2&count=1"), preparation=_read_first_index),
    Single("discovery, first use of the token", _request("GET", "/Schemas"), is_first_use=True),
    Single("GET, first use of the token", _request("GET", "/Users/{ada}"), is_first_use=True),
    Single(
        "GET, first use of the previous token",
        lambda customer: customer.endpoint.request(
            "GET", "/Users/{ada}".format(**customer.ids), authorization=f"Bearer {customer.old_token}"
        ),
        preparation=lambda customer: customer.rotate_token(3_600),
        is_first_use=True,
    ),
    Single(
        "rejected token",
        _with_old_token("Bearer"),
        401,
        preparation=lambda customer: customer.rotate_token(0),
        is_first_use=True,
    ),
    Single(
        "token with quotes",
        _with_old_token('Bearer "'),
        401,
        preparation=lambda customer: customer.rotate_token(0),
        is_first_use=True,
    ),
    Single("create", _request("POST", "/Users", _user("new")), 201, Create("new"), [409]),
    Single(
        "create with manager",
        _request("POST", "/Users", _user("new") | {ENTERPRISE: {"manager": {"value": "x-ada"}}}),
        201,
        Create("new"),
        [409],
    ),
    Single(
        "create, first use of the token",
        _request("POST", "/Users", _user("new")),
        201,
        Create("new"),
        [409],
        is_first_use=True,
        variables=_SLOW_REFILL,
    ),
    Single("create an existing user", _request("POST", "/Users", _user("ADA")), 409),
    Single(
        "PUT",
        _request("PUT", "/Users/{ada}", _user("ada", displayName="Ada")),
        write=Update("ada", {"displayName": "Ada"}),
    ),
    Single("PUT without a change", _request("PUT", "/Users/{ada}", _user("ada"))),
    Single(
        "PATCH",
        _request("PATCH", "/Users/{ada}", _patch("displayName", "Ada")),
        write=Update("ada", {"displayName": "Ada"}),
    ),
    Single(
        "PATCH with If-Match",
        _request("PATCH", "/Users/{ada}", _patch("displayName", "Ada"), if_match='W/"1"'),
        write=Update("ada", {"displayName": "Ada"}),
        repeated=[412],
    ),
    Single("PATCH without a change", _request("PATCH", "/Users/{ada}", _patch("active", True))),
    Single("PATCH of an ignored attribute", _request("PATCH", "/Users/{ada}", _patch("unknown", "x"))),
    Single(
        "rename", _request("PATCH", "/Users/{ada}", _patch("userName", "ida")), write=Update("ada", {"userName": "ida"})
    ),
    Single("rename to an existing name", _request("PATCH", "/Users/{ada}", _patch("userName", "bob")), 409),
    Single(
        "activate", _request("PATCH", "/Users/{eve}", _patch("active", True)), write=Update("eve", {"active": True})
    ),
    Single(
        "deactivate", _request("PATCH", "/Users/{ada}", _patch("active", False)), write=Update("ada", {"active": False})
    ),
    Single(
        "deactivate with alert",
        _request("PATCH", "/Users/{ada}", _patch("active", False)),
        write=Update("ada", {"active": False}),
        variables=_ALERT_AT_ONCE,
    ),
    Single(
        "deactivate with brake",
        _request("PATCH", "/Users/{ada}", _patch("active", False)),
        403,
        configure=_turn_brake_on,
        variables=_ALERT_AT_ONCE,
    ),
    Single("DELETE", _request("DELETE", "/Users/{ada}"), 204, Delete("ada"), [404]),
    Single("DELETE an inactive user", _request("DELETE", "/Users/{eve}"), 204, Delete("eve"), [404]),
    Bulk("bulk: creates", [_create(f"new-{number}") for number in range(4)]),
    Bulk(
        "bulk: all methods",
        [_create("new"), _update("ada", "displayName", "Ada"), _update("bob", "active", False), _delete("eve")],
    ),
    Bulk("bulk: name of a deleted user", [_delete("eve"), _create("eve")], members=_ONE_BY_ONE),
    Bulk("bulk: reference cycle", [_create("cat", **_manager("dan")), _create("dan", **_manager("cat"))]),
    Bulk(
        "bulk: failOnErrors",
        [_create("cat"), _create("dan", **_manager("cat")), _update("ada", "displayName", "Ada")],
        members=_ONE_BY_ONE,
    ),
    Bulk(
        "bulk: an existing user",
        [_create("new"), ({"method": "POST", "path": "/Users", "bulkId": "x", "data": _user("ada")}, Part(409))],
    ),
]
"""All operations. Their calls to AWS are found by sending them once without a fault."""
