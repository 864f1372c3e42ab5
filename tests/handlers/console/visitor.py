"""Somebody with a browser, as far as that takes no browser: cookies, links, forms."""

import base64
import gzip
import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from local.api_gateway.event import Request, build_event, decode_path
from local.api_gateway.routes import Routes
from tests.endpoint import PASSWORD, Handler, LambdaContext, load, read_functions

HOST = "scim.example.com"
_addresses = itertools.count(1)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    content: bytes

    @property
    def text(self) -> str:
        is_compressed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.content) if is_compressed else self.content).decode()

    @property
    def forms(self) -> list[Form]:
        return _parsed(self.text).forms

    def form(self, ending: str) -> Form:
        """The one form whose action ends so."""
        (form,) = (form for form in self.forms if form.action.endswith(ending))
        return form

    def value(self, name: str) -> str:
        """What the input with this id holds."""
        return _parsed(self.text).values[name]

    @property
    def links(self) -> list[str]:
        return _parsed(self.text).links

    @property
    def tags(self) -> list[tuple[str, dict[str, str | None]]]:
        return _parsed(self.text).tags


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.values: dict[str, str] = {}
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append(Form(found.get("action") or "", found.get("method") or "get"))
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "input" and "id" in found:
            self.values[found["id"] or ""] = found.get("value") or ""
        if tag == "select":
            self._select = found.get("name") or ""
        if tag == "option" and "selected" in found:
            self.forms[-1].fields[self._select] = found.get("value") or ""
        if tag == "input" and "name" in found and self.forms and found.get("type") != "checkbox":
            self.forms[-1].fields[found["name"] or ""] = found.get("value") or ""


def _parsed(text: str) -> _Parser:
    parser = _Parser()
    parser.feed(text)
    return parser


class Visitor:
    """``address`` is where the requests come from; each visitor has one of its own unless it is given."""

    def __init__(self, handler: Handler | None = None, address: str = "") -> None:
        specs = read_functions()
        self._routes = Routes(route for spec in specs for route in spec.routes)
        self._handlers = {spec.name: load(spec.handler) for spec in specs}
        if handler is not None:
            self._handlers["AdminFunction"] = handler
        number = next(_addresses)
        self.address = address or f"198.51.{number // 250}.{number % 250 + 1}"
        self.cookies: dict[str, str] = {}

    def send(
        self, method: str, url: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        split = urlsplit(url)
        sent = {"host": HOST, **(headers or {})}
        if fields is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = urlencode(fields or {}).encode()
        request = Request(method, split.path, split.query, tuple(sent.items()), body, self.address)
        decoded = decode_path(split.path)
        match = self._routes.select(method, decoded)
        assert match is not None
        event = build_event(request, decoded, match, datetime.now(UTC), str(uuid.uuid4()))
        result = self._handlers[match.route.function](event, LambdaContext())
        return self._received(url, result)

    def _received(self, url: str, result: Mapping[str, Any]) -> Answer:
        content = result["body"].encode()
        if result["isBase64Encoded"]:
            content = base64.b64decode(content)
        cookies = tuple(result.get("cookies", []))
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        headers = {name.lower(): value for name, value in result["headers"].items()}
        return Answer(url, result["statusCode"], headers, cookies, content)

    def get(self, url: str) -> Answer:
        """The page, behind at most five redirections."""
        return self._followed(self.send("GET", url))

    def submit(self, page: Answer, form: Form, **fields: str) -> Answer:
        """The page that a form leads to."""
        return self._followed(self.post(page, form, **fields))

    def post(self, page: Answer, form: Form, **fields: str) -> Answer:
        """The answer to a form itself."""
        return self.send("POST", urljoin(page.url, form.action), form.fields | fields)

    def _followed(self, answer: Answer) -> Answer:
        for _ in range(5):
            if answer.status != 303:
                break
            answer = self.send("GET", urljoin(answer.url, answer.headers["location"]))
        return answer

    def sign_in(self, password: str = PASSWORD) -> Answer:
        page = self.get("/admin")
        return self.submit(page, page.form("/sign-in"), password=password)
