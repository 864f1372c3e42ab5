"""Recorded exchanges with a SCIM endpoint, replayed against any deployment.

A scenario is a JSON file: what an identity provider sends, in sequence, and what it must be answered::

    {"provider": "okta", "name": "Deactivate by PUT", "source": "where this form is documented",
     "headers": {"Accept": "application/scim+json"},
     "exchanges": [
       {"note": "why this exchange is here",
        "request": {"method": "POST", "path": "/Users", "headers": {}, "body": {"userName": "ada.${run}@example.com"}},
        "response": {"status": 201, "body": {"id": {"$type": "string"}}, "headers": {}, "absent": ["/password"]},
        "save": {"id": "/id"}}]}

- ``path`` follows the base URL and goes out as it stands, query included. ``raw`` in place of ``body`` is sent as text.
  ``headers`` of the scenario go with each request, those of a request on top. Without an ``Authorization`` among them
  the sender adds its own.
- ``${name}`` stands for a value that an earlier answer gave (``save``: name to JSON pointer); a string that is nothing
  else takes the value whole, whatever its type. ``${run}`` (eight hexadecimal digits), ``${guid}`` and
  ``${guid.other}`` are fresh in each replay, so that a scenario can be replayed any number of times.
- ``{"$merge": [a, b]}`` in a request body is ``a`` changed by the JSON Merge Patch ``b`` (RFC 7396).
- An expected object is a subset of the actual one; an expected array has the same length, element by element;
  ``{"$any": true}``, ``{"$type": "string"}``, ``{"$regex": "..."}``, ``{"$not": ...}`` and ``{"$unordered": [...]}``
  match as they say. ``absent`` lists JSON pointers to what must not be there.
- On top of what the file expects, each answer must obey the ``laws``: what holds of every answer of this service.

What a scenario creates is deleted at its end, also after a deviation.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import TypeAlias
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, JsonValue

from tests.expectation import difference, merge_patch, resolve, show
from tests.laws import broken_law

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


class Answer(_Record):
    status: int
    headers: dict[str, str]  # names in lower case
    content: bytes

    @property
    def body(self) -> JsonValue:
        """The body as JSON; None where there is none.

        Raises:
            ValueError: it is no JSON.
        """
        body: JsonValue = json.loads(self.content.decode("utf-8")) if self.content else None
        return body


class Deviation(Exception):
    """An answer that is not the expected one."""


def load(path: Path) -> Scenario:
    """The scenario in a file.

    Raises:
        ValueError: it is not one.
    """
    try:
        return Scenario.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def replay(scenario: Scenario, send: Send) -> None:
    """Sends the scenario's requests in sequence and compares the answers.

    Raises:
        Deviation: at the first answer that differs.
    """
    values = Values()
    created: list[str] = []
    try:
        for number, exchange in enumerate(scenario.exchanges, start=1):
            request = values.fill_request(exchange.request, scenario.headers)
            answer = _sent(request, send)
            created += _created(request, answer)
            if found := _deviation(values, exchange, request, answer):
                raise Deviation(_report(scenario, number, request, answer, found))
            values.save(exchange.save, answer.body)
    finally:
        for path in reversed(created):
            send("DELETE", path, {}, None)


class Values:
    """What ``${name}`` stands for in one replay."""

    _PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")

    def __init__(self) -> None:
        self._values: dict[str, JsonValue] = {"run": token_hex(4)}

    def __getitem__(self, name: str) -> JsonValue:
        if name.split(".")[0] == "guid":
            self._values.setdefault(name, str(uuid4()))
        return self._values[name]

    def save(self, pointers: dict[str, str], body: JsonValue) -> None:
        self._values |= {name: resolve(body, pointer) for name, pointer in pointers.items()}

    def text(self, template: str) -> str:
        return self._PLACEHOLDER.sub(lambda found: str(self[found[1]]), template)

    def fill(self, template: JsonValue) -> JsonValue:
        match template:
            case str():
                whole = self._PLACEHOLDER.fullmatch(template)
                return self[whole[1]] if whole else self.text(template)
            case list():
                return [self.fill(item) for item in template]
            case {"$merge": [base, patch]}:
                return merge_patch(self.fill(base), self.fill(patch))
            case dict():
                return {self.text(name): self.fill(item) for name, item in template.items()}
        return template

    def fill_request(self, request: Request, headers: dict[str, str]) -> Request:
        return Request(
            method=request.method,
            path=self.text(request.path),
            headers={name: self.text(value) for name, value in (headers | request.headers).items()},
            body=self.fill(request.body),
            raw=None if request.raw is None else self.text(request.raw),
        )


def _deviation(values: Values, exchange: Exchange, request: Request, answer: Answer) -> str | None:
    accept = next((value for name, value in request.headers.items() if name.lower() == "accept"), "")
    return (
        broken_law(accept, answer.status, answer.headers, answer.content)
        or _unexpected(values, exchange.response, answer)
        or next((f"{p}: expected to save it, but it is not there" for p in _lost(exchange, answer)), None)
    )


def _unexpected(values: Values, response: Response, answer: Answer) -> str | None:
    if answer.status != response.status:
        return f"expected status {response.status}, got {answer.status}"
    for name, value in response.headers.items():
        if found := difference(values.fill(value), answer.headers.get(name.lower()), f"header {name}"):
            return found
    if response.body is not None and (found := difference(values.fill(response.body), answer.body)):
        return found
    return next((f"{p}: must not be there" for p in response.absent if _is_there(answer.body, p)), None)


def _lost(exchange: Exchange, answer: Answer) -> Iterator[str]:
    return (pointer for pointer in exchange.save.values() if not _is_there(answer.body, pointer))


def _is_there(body: JsonValue, pointer: str) -> bool:
    try:
        resolve(body, pointer)
    except LookupError:
        return False
    return True


def _sent(request: Request, send: Send) -> Answer:
    content = None
    if request.raw is not None:
        content = request.raw.encode()
    elif request.body is not None:
        content = json.dumps(request.body, ensure_ascii=False).encode()
    status, headers, answer = send(request.method, request.path, dict(request.headers), content)
    return Answer(status=status, headers={name.lower(): value for name, value in headers.items()}, content=answer)


def _created(request: Request, answer: Answer) -> list[str]:
    """The paths of the users that this exchange created, one by one or in bulk."""
    try:
        body = answer.body
    except ValueError:
        return []
    match body:
        case {"id": str() as identifier} if answer.status == 201:
            return [f"/Users/{identifier}"]
        case {"Operations": list() as operations} if request.method == "POST":
            return [
                "/Users/" + str(o["location"]).rsplit("/", 1)[-1]
                for o in _objects(operations)
                if o.get("status") == "201"
            ]
    return []


def _objects(items: list[JsonValue]) -> Iterator[dict[str, JsonValue]]:
    return (item for item in items if isinstance(item, dict))


def _report(scenario: Scenario, number: int, request: Request, answer: Answer, found: str) -> str:
    sent = request.raw if request.raw is not None else show(request.body, 2000)
    return "\n".join(
        [
            f"{scenario.provider}, {scenario.name}, exchange {number}: {request.method} {request.path}: {found}",
            f"  sent: {sent}",
            f"  answer: {answer.status} {answer.content.decode(errors='replace')[:2000]}",
        ]
    )
