"""The endpoint as a WSGI application (PEP 3333), which scim2-client talks to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    Send = Callable[[str, str, dict[str, str], bytes], tuple[int, Mapping[str, str], bytes]]


def build_wsgi_application(send: Send) -> WSGIApplication:
    """Return an application that responds with the result of ``send(method, path with query, headers, body)``."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        body = environ["wsgi.input"].read()
        status, response_headers, content = send(environ["REQUEST_METHOD"], path + query, headers, body)
        start_response(f"{status} {HTTPStatus(status).phrase}", list(response_headers.items()))
        return [content]

    return serve
