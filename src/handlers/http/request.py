"""Parse the requests that API Gateway sends to Lambda (payload format 2.0).

Source: AWS, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from scim.protocol.errors import BadRequest, InvalidParameter, InvalidSyntax, PayloadTooLarge, UnsupportedMediaType
from scim.protocol.json_body import REPLACEMENT_CHARACTER, build_encoding_error, parse_json
from scim.service.limits import MAX_PAYLOAD_BYTES

SCIM_JSON = "application/scim+json"
JSON = "application/json"

_MEDIA_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json")
_MAX_PARAMETERS = 100
_GZIP_START = b"\x1f"
"""The first byte of a gzip file (RFC 1952 section 2.3.1). The next one is not UTF-8, so it may have been replaced."""


@dataclass(frozen=True)
class Request:
    """A request. ``event`` is the event from API Gateway, or from a program that imitates it."""

    event: Mapping[str, Any]

    @property
    def method(self) -> str:
        """The HTTP method in upper case."""
        return str(self.event["requestContext"]["http"]["method"])

    @cached_property
    def path_segments(self) -> list[str]:
        """The segments of the path, without the leading ``scim`` and ``v2``.

        These may be missing or repeated: some identity providers append ``/scim/v2`` to a SCIM URL that already ends
        in it.
        """
        segments = [segment for segment in str(self.event["rawPath"]).split("/") if segment]
        while segments and segments[0].lower() in ("scim", "v2"):
            del segments[0]
        return segments

    @cached_property
    def raw_query_string(self) -> str:
        """The percent-encoded query string, in which a plus always stands for a blank.

        HTML forms encode a blank as a plus. RFC 3986 encodes it as ``%20``, and then a plus is a plus: JavaScript's
        ``encodeURI`` does not encode that of ``ada+work@example.com``. So if a query string contains ``%20``, all its
        pluses are encoded here. See docs/decisions/protocol/plus-in-queries.md.
        """
        raw = str(self.event.get("rawQueryString", ""))
        return raw.replace("+", "%2B") if "%20" in raw else raw

    @property
    def query_string(self) -> str:
        """The query string, decoded but not parsed."""
        return unquote_plus(self.raw_query_string)

    def get_header(self, name: str) -> str | None:
        """Return the value of a header, ``None`` if it is missing. ``name`` is in lower case."""
        return self._headers.get(name)

    @cached_property
    def _headers(self) -> dict[str, str]:
        """The headers by lower-case name.

        API Gateway sends the names in lower case. Header names are case-insensitive (RFC 9110 section 5.1), and the
        local gateway of the SAM CLI sends them as the client did.
        """
        return {name.lower(): str(value) for name, value in self.event.get("headers", {}).items()}

    @property
    def id(self) -> str:
        """The id that API Gateway gave the request. Log lines and change records contain it."""
        return str(self.event["requestContext"]["requestId"])

    @property
    def domain(self) -> str:
        """The host name that the client sent the request to."""
        return str(self.event["requestContext"]["domainName"])

    def parse_query_parameters(self, known_names: frozenset[str]) -> dict[str, str]:
        """Return the query parameters that are in ``known_names``, by lower-case name. Omit most blank parameters.

        They are parsed from the raw query string, because API Gateway joins repeated parameters with commas, and values
        may contain commas too. Raise :class:`InvalidParameter` if the query string cannot be decoded, has too many
        parameters, or repeats one.
        """
        parameters: dict[str, str] = {}
        for sent_name, value in self._parse_query_string():
            name = sent_name.lower()
            if name in parameters:
                raise InvalidParameter(f"The query parameter {sent_name} occurs twice. Send it once.")
            # A blank filter is kept, so that it is an error and does not return all users. A blank cursor requests
            # the first page (RFC 9865).
            if name in known_names and (value or name in ("filter", "cursor")):
                parameters[name] = value
        return parameters

    def _parse_query_string(self) -> list[tuple[str, str]]:
        """Return the names and values in the query string. Raise :class:`InvalidParameter` if it cannot be decoded."""
        raw = self.raw_query_string
        encoding_error = InvalidParameter("The query string is not encoded in UTF-8. Set the client to use UTF-8.")
        if REPLACEMENT_CHARACTER in raw:  # the gateway replaced bytes: a client would have encoded this character
            raise encoding_error
        try:
            return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
        except UnicodeDecodeError:
            raise encoding_error from None
        except ValueError:
            raise InvalidParameter(f"The query string has more than {_MAX_PARAMETERS} parameters.") from None

    def json(self) -> Any:
        """Return the parsed body.

        Raise :class:`PayloadTooLarge`, :class:`UnsupportedMediaType` and :class:`InvalidSyntax`.
        """
        body = self.decode_body()
        if len(body) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLarge(
                f"The request body has more than {MAX_PAYLOAD_BYTES:,} bytes. Send several smaller requests."
            )
        media_type = (self.get_header("content-type") or SCIM_JSON).partition(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise UnsupportedMediaType(f"The request body must be JSON. Send it with the content type {SCIM_JSON}.")
        content_encoding = (self.get_header("content-encoding") or "identity").lower()
        if content_encoding != "identity" or body.startswith(_GZIP_START):
            raise UnsupportedMediaType("The request body must not be compressed.")
        if not body:
            raise InvalidSyntax("The request body is empty.")
        if self._has_replaced_bytes(body):
            raise build_encoding_error(body)
        return parse_json(body)

    def _has_replaced_bytes(self, body: bytes) -> bool:
        """Return whether the gateway replaced bytes of the body because they are not UTF-8.

        It passes a body of type ``application/json`` as text, in which U+FFFD stands for such bytes. If the client sent
        U+FFFD itself, the body has as many bytes as ``Content-Length`` says. See
        docs/decisions/protocol/encoding-of-bodies.md.
        """
        is_text = not self.event.get("isBase64Encoded")
        has_replacement = is_text and REPLACEMENT_CHARACTER in str(self.event.get("body") or "")
        return has_replacement and self.get_header("content-length") != str(len(body))

    def decode_body(self) -> bytes:
        """Return the body as bytes. Raise :class:`BadRequest` if its base64 is invalid."""
        body = self.event.get("body") or ""
        if not self.event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest("The request body could not be read.") from None

    @property
    def response_media_type(self) -> str:
        """The media type of the response.

        It is ``application/json`` if the client accepts that and not ``application/scim+json``.
        """
        accept = (self.get_header("accept") or "").lower()
        return JSON if JSON in accept and SCIM_JSON not in accept else SCIM_JSON
