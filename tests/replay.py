"""Replay recorded exchanges with a SCIM endpoint against any deployment.

A scenario is a JSON file with an identity provider's requests, in sequence, and the expected responses::

    {"provider": "okta", "name": "Deactivate by PUT", "source": "where this form is documented",
     "headers": {"Accept": "application/scim+json"},
     "exchanges": [
       {"note": "why this exchange is here",
        "request": {"method": "POST", "path": "/Users", "headers": {}, "body": {"userName": "ada.${run}@example.com"}},
        "response": {"status": 201, "body": {"id": {"$type": "string"}}, "headers": {}, "absent": ["/password"]},
        "save": {"id": "/id"}}]}

- ``path`` is relative to the base URL, includes the query and is sent unchanged. ``raw`` instead of ``body`` is sent as
  text. The ``headers`` of the scenario are sent with each request; those of a request override them. If there is no
  ``Authorization``, the sender adds its own.
- ``${name}`` is a value of an earlier response (``save`` maps names to JSON pointers); a string that is only
  a placeholder takes the type of the value. ``${run}`` (eight hexadecimal digits), ``${guid}`` and ``${guid.other}``
  are new in each replay, so that a scenario can be replayed any number of times.
- ``{"$merge": [a, b]}`` in a request body is ``a`` changed by the JSON Merge Patch ``b`` (RFC 7396).
- An expected object is a subset of the actual one; an expected array has the same length, element by element;
  ``{"$any": true}``, ``{"$type": "string"}``, ``{"$regex": "..."}``, ``{"$not": ...}`` and ``{"$unordered": [...]}``
  are matchers. ``absent`` lists JSON pointers to members that must be missing.
- In addition, each response must satisfy the rules for all responses of this service (``tests.invariants``).

The users that a scenario creates are deleted at its end, also after a deviation.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import TypeAlias
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, JsonValue

from tests.invariants import find_violation
from tests.json_matching import find_difference, merge_patch, resolve_pointer, shorten

Send: TypeAlias = Callable[[str, str, dict[str, str], bytes | None], tuple[int, Mapping[str, str], bytes]]
"""Method, path after the base URL, headers, body; returns status, headers, body."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Record):
    method: str
    path: str
    headers: dict[str, str] = {}
    body: JsonValue = None
    raw: str | None = None


class Response(_Record):
    status: int
    body: JsonValue = None
    headers: dict[str, JsonValue] = {}
    absent: list[str] = []


class Exchange(_Record):
    note: str = ""
    request: Request
    response: Response
    save: dict[str, str] = {}


class Scenario(_Record):
    provider: str
    name: str
    source: str
    headers: dict[str, str] = {}
    exchanges: list[Exchange]


class ActualResponse(_Record):
    status: int
    headers: dict[str, str]  # names in lower case
    content: bytes

    @property
    def body(self) -> JsonValue:
        """The body as JSON, or None if it is empty. Raises ``ValueError`` if it is not JSON."""
        body: JsonValue = json.loads(self.content.decode("utf-8")) if self.content else None
        return body


class Deviation(Exception):
    """A response differs from the expected one."""


def load(path: Path) -> Scenario:
    """Return the scenario in a file; raise ``ValueError`` if it is invalid."""
    try:
        return Scenario.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def replay(scenario: Scenario, send: Send) -> None:
    """Send the scenario's requests in sequence; raise ``Deviation`` at the first unexpected response."""
    values = Values()
    created_paths: list[str] = []
    try:
        for number, exchange in enumerate(scenario.exchanges, start=1):
            request = values.fill_request(exchange.request, scenario.headers)
            response = _send_request(request, send)
            created_paths += _find_created_paths(request, response)
            if deviation := _find_deviation(values, exchange, request, response):
                raise Deviation(_describe(scenario, number, request, response, deviation))
            values.save(exchange.save, response.body)
    finally:
        for path in reversed(created_paths):
            send("DELETE", path, {}, None)


class Values:
    """The values of ``${name}`` in one replay."""

    _PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")

    def __init__(self) -> None:
        self._values: dict[str, JsonValue] = {"run": token_hex(4)}

    def __getitem__(self, name: str) -> JsonValue:
        if name.split(".")[0] == "guid":
            self._values.setdefault(name, str(uuid4()))
        return self._values[name]

    def save(self, pointers: dict[str, str], body: JsonValue) -> None:
        self._values |= {name: resolve_pointer(body, pointer) for name, pointer in pointers.items()}

    def fill_text(self, template: str) -> str:
        return self._PLACEHOLDER.sub(lambda match: str(self[match[1]]), template)

    def fill(self, template: JsonValue) -> JsonValue:
        match template:
            case str():
                whole = self._PLACEHOLDER.fullmatch(template)
                return self[whole[1]] if whole else self.fill_text(template)
            case list():
                return [self.fill(item) for item in template]
            case {"$merge": [base, patch]}:
                return merge_patch(self.fill(base), self.fill(patch))
            case dict():
                return {self.fill_text(name): self.fill(item) for name, item in template.items()}
        return template

    def fill_request(self, request: Request, headers: dict[str, str]) -> Request:
        return Request(
            method=request.method,
            path=self.fill_text(request.path),
            headers={name: self.fill_text(value) for name, value in (headers | request.headers).items()},
            body=self.fill(request.body),
            raw=None if request.raw is None else self.fill_text(request.raw),
        )


def _find_deviation(values: Values, exchange: Exchange, request: Request, response: ActualResponse) -> str | None:
    accept = next((value for name, value in request.headers.items() if name.lower() == "accept"), "")
    has_index = "cursor=" not in request.path
    return (
        find_violation(accept, response.status, response.headers, response.content, has_index=has_index)
        or _find_difference(values, exchange.response, response)
        or next((f"{p}: expected a value to save, but it is missing" for p in _find_unsaved(exchange, response)), None)
    )


def _find_difference(values: Values, expected: Response, response: ActualResponse) -> str | None:
    if response.status != expected.status:
        return f"expected status {expected.status}, got {response.status}"
    for name, value in expected.headers.items():
        if text := find_difference(values.fill(value), response.headers.get(name.lower()), f"header {name}"):
            return text
    if expected.body is not None and (text := find_difference(values.fill(expected.body), response.body)):
        return text
    return next((f"{p}: must be absent" for p in expected.absent if _has_member(response.body, p)), None)


def _find_unsaved(exchange: Exchange, response: ActualResponse) -> Iterator[str]:
    return (pointer for pointer in exchange.save.values() if not _has_member(response.body, pointer))


def _has_member(body: JsonValue, pointer: str) -> bool:
    try:
        resolve_pointer(body, pointer)
    except LookupError:
        return False
    return True


def _send_request(request: Request, send: Send) -> ActualResponse:
    content = None
    if request.raw is not None:
        content = request.raw.encode()
    elif request.body is not None:
        content = json.dumps(request.body, ensure_ascii=False).encode()
    status, headers, received = send(request.method, request.path, dict(request.headers), content)
    lowered = {name.lower(): value for name, value in headers.items()}
    return ActualResponse(status=status, headers=lowered, content=received)


def _find_created_paths(request: Request, response: ActualResponse) -> list[str]:
    """Return the paths of the users that a request created, also in bulk."""
    try:
        body = response.body
    except ValueError:
        return []
    match body:
        case {"id": str() as identifier} if response.status == 201:
            return [f"/Users/{identifier}"]
        case {"Operations": list() as operations} if request.method == "POST":
            return [
                "/Users/" + str(operation["location"]).rsplit("/", 1)[-1]
                for operation in _select_objects(operations)
                if operation.get("status") == "201"
            ]
    return []


def _select_objects(items: list[JsonValue]) -> Iterator[dict[str, JsonValue]]:
    return (item for item in items if isinstance(item, dict))


def _describe(scenario: Scenario, number: int, request: Request, response: ActualResponse, deviation: str) -> str:
    sent = request.raw if request.raw is not None else shorten(request.body, 2000)
    return "\n".join(
        [
            f"{scenario.provider}, {scenario.name}, exchange {number}: {request.method} {request.path}: {deviation}",
            f"  request: {sent}",
            f"  response: {response.status} {response.content.decode(errors='replace')[:2000]}",
        ]
    )
