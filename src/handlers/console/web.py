"""HTTP as the console speaks it: forms and cookies in, pages out, each with the headers that fence it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from handlers import http
from scim.protocol.errors import BadRequest

BASE = "/admin"
_OWN = re.compile(BASE + r"(?:/[\w.~%@:+-]+)*(?:\?[\w.~%@:+=&/?!$'()*,;-]*)?", re.ASCII)
_LONGEST_ADDRESS = 1_000
_MAX_FORM_BYTES = 65_536
_MAX_FIELDS = 50

# Nothing is loaded from elsewhere, no script and no inline style runs, no form leads away, nobody frames a page.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


class Failure(Exception):
    """An answer other than success, with a sentence for whoever sees it."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class NotFound(Failure):
    """The page does not exist, or not for this visitor: which of the two is not told."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "There is no such page.")


class Request(http.Request):
    """A request to a page of the console."""

    @cached_property
    def parts(self) -> list[str]:
        """The parts of the path behind ``/admin``."""
        return str(self.event["rawPath"]).split("/")[2:]

    @property
    def page(self) -> str:
        """The path that was asked for with its query, as an address has it."""
        query = self.event.get("rawQueryString", "")
        return quote(str(self.event["rawPath"])) + (f"?{query}" if query else "")

    @property
    def address(self) -> str:
        """The IP address that the request came from."""
        return str(self.event["requestContext"]["http"]["sourceIp"])

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (cookie.partition("=") for cookie in self.event.get("cookies", []))
        return {name: value for name, _, value in pairs}

    @cached_property
    def asked(self) -> dict[str, str]:
        """The parameters of the query string."""
        return _fields(self.event.get("rawQueryString", ""))

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a posted form; each name's first value. Raises :class:`Failure`."""
        try:
            body = self._body()
        except BadRequest as error:
            raise Failure(HTTPStatus.BAD_REQUEST, "The form could not be read.") from error
        if len(body) > _MAX_FORM_BYTES:
            raise Failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
        return _fields(body.decode(errors="replace"))


def _fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Failure(HTTPStatus.BAD_REQUEST, "The request could not be read.") from None
    return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class Page:
    """An answer; a body of bytes is sent in base64."""

    body: str | bytes = ""
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def event(self, *, https: bool) -> dict[str, Any]:
        """The answer as the gateway takes it."""
        fence = {**HEADERS, **(_HTTPS_ONLY if https else {})}
        return {
            "statusCode": int(self.status),
            "headers": {**fence, "Content-Type": self.content_type, **self.headers},
            "cookies": list(self.cookies),
            "body": self.body if isinstance(self.body, str) else base64.b64encode(self.body).decode(),
            "isBase64Encoded": isinstance(self.body, bytes),
        }


def own(page: str) -> str:
    """The address of a page of the console; the start in the place of any other, and of one that is very long."""
    return page if len(page) <= _LONGEST_ADDRESS and _OWN.fullmatch(page) else BASE


def go_to(page: str, *cookies: str) -> Page:
    """See another page of the console, and nothing elsewhere."""
    return Page(status=HTTPStatus.SEE_OTHER, headers={"Location": own(page)}, cookies=cookies)


def redirect(*parts: str) -> Page:
    """See a page of the console by the parts of its path."""
    return go_to("/".join((BASE, *parts)))
