"""Responses of the console: pages, redirects and errors, each with the security headers."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handlers.console.outcomes import Outcome

BASE = "/admin"
_CONSOLE_PATH = re.compile(BASE + r"(?:/[\w.~%@:+-]+)*(?:\?[\w.~%@:+=&/?!$'()*,;-]*)?", re.ASCII)
_MAX_PATH_LENGTH = 1_000

# Browsers load nothing from other sites, run no scripts and no styles that are in a page, send no form to another site,
# and show no page in a frame. They run only the console's own script files.
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


class PageError(Exception):
    """An error page: a title, and a message that says what happened and what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        title: str = "Action failed",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.title = title


class PageNotFound(PageError):
    """The page does not exist, or this person may not see it; the response is the same for both."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.NOT_FOUND,
            "This page does not exist, or you do not have access to it.",
            title="Page not found",
        )


@dataclass(frozen=True, slots=True)
class ConsoleResponse:
    """A response of the console: a page, an asset or a redirect. A body of bytes is sent in base64.

    ``outcome`` is what an action has done. The page that follows a redirect says it.
    """

    body: str | bytes = ""
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    outcome: Outcome | None = None

    def to_gateway_response(self, *, is_https: bool) -> dict[str, Any]:
        """Return the response in the gateway's payload format 2.0."""
        security = {**SECURITY_HEADERS, **(_HTTPS_ONLY if is_https else {})}
        return {
            "statusCode": int(self.status),
            "headers": {**security, "Content-Type": self.content_type, **self.headers},
            "cookies": list(self.cookies),
            "body": self.body if isinstance(self.body, str) else base64.b64encode(self.body).decode(),
            "isBase64Encoded": isinstance(self.body, bytes),
        }


def restrict_to_console(path: str) -> str:
    """Return a path if it belongs to the console and is not too long, else the path of the start page."""
    return path if len(path) <= _MAX_PATH_LENGTH and _CONSOLE_PATH.fullmatch(path) else BASE


def redirect_to_path(path: str, *cookies: str, outcome: Outcome | None = None) -> ConsoleResponse:
    """Return a redirect to a path of the console, never to another site."""
    return ConsoleResponse(
        status=HTTPStatus.SEE_OTHER,
        headers={"Location": restrict_to_console(path)},
        cookies=cookies,
        outcome=outcome,
    )


def redirect_permanently(path: str) -> ConsoleResponse:
    """Return the redirect from an address of an earlier release, so that bookmarks stay valid."""
    location = restrict_to_console(path)
    return ConsoleResponse(status=HTTPStatus.MOVED_PERMANENTLY, headers={"Location": location})


def redirect_to_page(*segments: str, outcome: Outcome | None = None) -> ConsoleResponse:
    """Return a redirect to a page of the console, given by the segments of its path after ``/admin``.

    The page says what an action has done (``outcome``).
    """
    return redirect_to_path("/".join((BASE, *segments)), outcome=outcome)
