"""A visitor of the console, with the cookies, links and forms of a browser."""

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
class Page:
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
        return _parse(self.text).forms

    def form(self, ending: str) -> Form:
        """Return the only form with this end of its action."""
        (form,) = (form for form in self.forms if form.action.endswith(ending))
        return form

    def value(self, name: str) -> str:
        """Return the value of the input, or the text of the textarea, with this id."""
        return _parse(self.text).values[name]

    @property
    def links(self) -> list[str]:
        return _parse(self.text).links

    @property
    def scripts(self) -> list[str]:
        """Return the paths of the scripts. The text of a script that is in the page is returned as an empty path."""
        return [attributes.get("src") or "" for tag, attributes in self.tags if tag == "script"]

    @property
    def tags(self) -> list[tuple[str, dict[str, str | None]]]:
        return _parse(self.text).tags


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.values: dict[str, str] = {}
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append(Form(attributes.get("action") or "", attributes.get("method") or "get"))
        if tag == "a":
            self.links.append(attributes.get("href") or "")
        if tag == "input" and "id" in attributes:
            self.values[attributes["id"] or ""] = attributes.get("value") or ""
        if tag == "textarea":
            self._textarea = attributes.get("id") or ""
            self.values[self._textarea] = ""
        if tag == "select":
            self._select = attributes.get("name") or ""
        if tag == "option" and "selected" in attributes:
            self.forms[-1].fields[self._select] = attributes.get("value") or ""
        if tag == "input" and "name" in attributes and self.forms and attributes.get("type") != "checkbox":
            self.forms[-1].fields[attributes["name"] or ""] = attributes.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""


def _parse(text: str) -> _Parser:
    parser = _Parser()
    parser.feed(text)
    return parser


class Visitor:
    """A visitor of the console. ``address`` is the IP address of the requests, by default a new one."""

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
    ) -> Page:
        split = urlsplit(url)
        all_headers = {"host": HOST, **(headers or {})}
        if fields is not None:
            all_headers["content-type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            all_headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = urlencode(fields or {}).encode()
        request = Request(method, split.path, split.query, tuple(all_headers.items()), body, self.address)
        decoded = decode_path(split.path)
        match = self._routes.select(method, decoded)
        assert match is not None
        event = build_event(request, decoded, match, datetime.now(UTC), str(uuid.uuid4()))
        response = self._handlers[match.route.function](event, LambdaContext())
        return self._read_response(url, response)

    def _read_response(self, url: str, response: Mapping[str, Any]) -> Page:
        content = response["body"].encode()
        if response["isBase64Encoded"]:
            content = base64.b64decode(content)
        cookies = tuple(response.get("cookies", []))
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        headers = {name.lower(): value for name, value in response["headers"].items()}
        return Page(url, response["statusCode"], headers, cookies, content)

    def get(self, url: str) -> Page:
        """Return the page after at most five redirects."""
        return self._follow_redirects(self.send("GET", url))

    def submit(self, page: Page, form: Form, **fields: str) -> Page:
        """Submit a form and follow redirects."""
        return self._follow_redirects(self.post(page, form, **fields))

    def post(self, page: Page, form: Form, **fields: str) -> Page:
        """Submit a form without following redirects."""
        return self.send("POST", urljoin(page.url, form.action), form.fields | fields)

    def _follow_redirects(self, page: Page) -> Page:
        for _ in range(5):
            if page.status != 303:
                break
            page = self.send("GET", urljoin(page.url, page.headers["location"]))
        return page

    def sign_in(self, password: str = PASSWORD) -> Page:
        page = self.get("/admin")
        return self.submit(page, page.form("/sign-in"), password=password)
