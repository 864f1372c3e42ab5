"""HTTP as API Gateway hands it to Lambda and takes it back (payload format 2.0).

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

from scim.protocol.errors import BadRequest, InvalidSyntax, InvalidValue, PayloadTooLarge, UnsupportedMediaType
from scim.protocol.json_body import parse_json
from scim.service.limits import MAX_PAYLOAD_BYTES

SCIM_JSON = "application/scim+json"
JSON = "application/json"

_MEDIA_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json")
_MAX_PARAMETERS = 100


@dataclass(frozen=True)
class Request:
    """A request, its path normalised; header names are lower case, as the gateway makes them."""

    event: Mapping[str, Any]

    @property
    def method(self) -> str:
        return str(self.event["requestContext"]["http"]["method"])

    @cached_property
    def segments(self) -> list[str]:
        """The parts of the path behind the base URL, in whichever form an admin has pasted that."""
        segments = [segment for segment in str(self.event["rawPath"]).split("/") if segment]
        while segments and segments[0].lower() in ("scim", "v2"):  # twice, where the provider adds it once more
            del segments[0]
        return segments

    @property
    def query(self) -> str:
        """The query string, decoded and not read."""
        return unquote_plus(str(self.event.get("rawQueryString", "")))

    def header(self, name: str) -> str | None:
        value = self.event.get("headers", {}).get(name)
        return None if value is None else str(value)

    @property
    def id(self) -> str:
        return str(self.event["requestContext"]["requestId"])

    @property
    def domain(self) -> str:
        return str(self.event["requestContext"]["domainName"])

    def parameters(self, known: frozenset[str]) -> dict[str, str]:
        """The query parameters among ``known``, by lower-case name, without those whose blank value means nothing.

        Read from the raw query string: the gateway joins repeated parameters with commas, which values may hold too.
        Raises :class:`InvalidValue`.
        """
        try:
            pairs = parse_qsl(
                self.event.get("rawQueryString", ""),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_PARAMETERS,
            )
        except ValueError:
            raise InvalidValue("The query string is not encoded in UTF-8, or has too many parameters.") from None
        found: dict[str, str] = {}
        for name, value in ((name.lower(), value) for name, value in pairs):
            if name in found:
                raise InvalidValue(f"The query parameter {name} is there twice: send it once.")
            # A blank filter must not mean everybody; a blank cursor is the first page.
            if name in known and (value or name in ("filter", "cursor")):
                found[name] = value
        return found

    def json(self) -> Any:
        """The body. Raises :class:`PayloadTooLarge`, :class:`UnsupportedMediaType`, :class:`InvalidSyntax`."""
        body = self._body()
        if len(body) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLarge(f"The body has more than {MAX_PAYLOAD_BYTES} bytes: send several smaller requests.")
        media_type = (self.header("content-type") or SCIM_JSON).partition(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise UnsupportedMediaType(f"The body must be JSON: send it as {SCIM_JSON}.")
        if (self.header("content-encoding") or "identity").lower() != "identity":
            raise UnsupportedMediaType("The body must be sent without compression.")
        if not body:
            raise InvalidSyntax("The body is empty.")
        return parse_json(body)

    def _body(self) -> bytes:
        body = self.event.get("body") or ""
        if not self.event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest("The body could not be read.") from None

    @property
    def accepted(self) -> str:
        """The media type to answer with: plain JSON only for those who ask for it and not for SCIM's."""
        accept = (self.header("accept") or "").lower()
        return JSON if JSON in accept and SCIM_JSON not in accept else SCIM_JSON
