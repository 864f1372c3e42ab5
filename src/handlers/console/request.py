"""Requests to the console: forms, cookies and query parameters."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from handlers.console.response import PageError
from handlers.http.request import Request
from scim.protocol.errors import BadRequest

_MAX_FORM_BYTES = 65_536
_MAX_FIELDS = 50


class ConsoleRequest(Request):
    """A request to a page of the console."""

    @cached_property
    def console_path_segments(self) -> list[str]:
        """The segments of the path after ``/admin``."""
        return str(self.event["rawPath"]).split("/")[2:]

    @property
    def path_with_query(self) -> str:
        """The requested path with its query string, quoted as in a URL."""
        query = self.event.get("rawQueryString", "")
        return quote(str(self.event["rawPath"])) + (f"?{query}" if query else "")

    @property
    def source_ip(self) -> str:
        """The IP address that the request came from."""
        return str(self.event["requestContext"]["http"]["sourceIp"])

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The values of the cookies by name."""
        pairs = (cookie.partition("=") for cookie in self.event.get("cookies", []))
        return {name: value for name, _, value in pairs}

    @cached_property
    def query_parameters(self) -> dict[str, str]:
        """The parameters of the query string."""
        return _parse_fields(self.raw_query_string)

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a posted form; the first value of a repeated field. Raise :class:`PageError`."""
        try:
            body = self.decode_body()
        except BadRequest as error:
            raise PageError(
                HTTPStatus.BAD_REQUEST, "The form could not be read. Go back, reload the page, and send it again."
            ) from error
        if len(body) > _MAX_FORM_BYTES:
            raise PageError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The form is larger than {_MAX_FORM_BYTES:,} bytes.")
        return _parse_fields(body.decode(errors="replace"))


def _parse_fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise PageError(HTTPStatus.BAD_REQUEST, f"The request has more than {_MAX_FIELDS} fields.") from None
    return dict(reversed(pairs))
