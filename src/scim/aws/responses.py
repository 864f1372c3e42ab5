"""Verify and parse the bodies of responses, whichever client received them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from pydantic_core import from_json

from scim.aws.errors import NoResponse

_CHECKSUM_HEADER = "x-amz-crc32"


def parse_body(operation: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a successful response. ``headers`` has names in lower case.

    Raise :class:`NoResponse` if the checksum of DynamoDB does not match, or if the body is not a JSON object. The call
    has been executed, but its result is unknown.
    """
    verify_checksum(operation, headers, body)
    try:
        value = from_json(body)
    except ValueError:
        raise NoResponse(operation, "InvalidBody", "the body of the response is not JSON") from None
    if not isinstance(value, dict):
        raise NoResponse(operation, "InvalidBody", "the body of the response is not a JSON object")
    return value


def verify_checksum(operation: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise :class:`NoResponse` if the body does not match the checksum that DynamoDB sent with it."""
    checksum = headers.get(_CHECKSUM_HEADER)
    if checksum is not None and checksum != str(crc32(body)):
        raise NoResponse(operation, "ChecksumMismatch", "the body of the response does not match its checksum")
