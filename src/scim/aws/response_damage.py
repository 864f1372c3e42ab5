"""Detect responses that are not what AWS sent: incomplete, altered, or from another server such as a proxy.

A client must not use them. botocore takes a body that is not JSON for an empty result, and does not compare the length
and the checksum: a cut response to a GetItem would mean that there is no item.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from zlib import crc32

NO_JSON_OBJECT = "its body is not a JSON object"
_CHECKSUM_HEADER = "x-amz-crc32"


def find_damage(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return what is wrong with a response of a service with a JSON protocol, ``None`` if nothing is.

    The arguments are those of :func:`find_transfer_damage`. Without a checksum, the body must be a JSON object.
    """
    if damage := find_transfer_damage(status, headers, body):
        return damage
    has_checksum = _CHECKSUM_HEADER in headers
    return None if status >= 500 or has_checksum or _is_json_object(body) else NO_JSON_OBJECT


def find_transfer_damage(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return what is wrong with a response, ``None`` if nothing is. The body may still be anything but JSON.

    ``headers`` has names in lower case, or ignores their case. A response with a status from 500 is never damaged,
    because the outcome of the call is unknown anyway. DynamoDB sends the CRC32 of each body (Amazon DynamoDB developer
    guide, "DynamoDB low-level API").
    """
    if status >= 500:
        return None
    if 300 <= status < 400:
        return f"it is a redirect ({status}), which AWS does not send"
    length = headers.get("content-length")
    if length is not None and length != str(len(body)):
        return f"it has {len(body)} bytes of {length}"
    checksum = headers.get(_CHECKSUM_HEADER)
    return None if checksum is None or checksum == str(crc32(body)) else "its checksum is wrong"


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
