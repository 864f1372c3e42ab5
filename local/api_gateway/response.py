"""Convert the result of a Lambda function to the HTTP response: payload format 2.0 of an HTTP API."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass


class InvalidResultError(ValueError):
    """A result that is not a response. The gateway then responds with 500."""


@dataclass(frozen=True)
class Response:
    """An HTTP response, header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def build_error(status: int, message: str) -> Response:
    """Return an error response of the gateway itself."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return Response(status, (("content-type", "application/json"),), body)


def build_response(result: object) -> Response:
    """Return the response for a result; a result without ``statusCode`` becomes the body of a 200.

    Raise ``InvalidResultError`` if the gateway would respond with 500.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        return Response(200, (("content-type", "application/json"),), json.dumps(result).encode())
    status, headers, cookies = result["statusCode"], result.get("headers") or {}, result.get("cookies") or []
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise InvalidResultError(f"statusCode {status!r}")
    if not isinstance(headers, Mapping) or not isinstance(cookies, list):
        raise InvalidResultError("headers are not an object, or cookies not a list")
    body = _decode_body(result)
    fields = {str(name).lower(): str(value) for name, value in headers.items()}
    if body:
        fields.setdefault("content-type", "text/plain; charset=utf-8")
    return Response(status, (*fields.items(), *(("set-cookie", str(cookie)) for cookie in cookies)), body)


def _decode_body(result: Mapping[str, object]) -> bytes:
    body = result.get("body") or ""
    if not isinstance(body, str):
        raise InvalidResultError("body is not a string")
    try:
        return base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InvalidResultError(f"body: {error}") from error
