"""Detect responses that are not what AWS sent: incomplete, altered, or from another server such as a proxy.

A client must not use them. botocore takes a body that is not JSON for an empty result, and does not compare the length
and the checksum: a cut response to a GetItem would mean that there is no item.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from zlib import crc32


def find_damage(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return what is wrong with a response of a service with a JSON protocol, ``None`` if nothing is.

    ``headers`` ignores the case of names. A response with a status from 500 is never damaged, because the outcome of
    the call is unknown anyway. DynamoDB sends the CRC32 of each body (Amazon DynamoDB developer guide, "DynamoDB
    low-level API"). Without it, the body must be a JSON object.
    """
    if status >= 500:
        return None
    if 300 <= status < 400:
        return f"it is a redirect ({status}), which AWS does not send"
    length = headers.get("Content-Length")
    if length is not None and int(length) != len(body):
        return f"it has {len(body)} bytes of {length}"
    checksum = headers.get("x-amz-crc32")
    if checksum is not None:
        return None if int(checksum) == crc32(body) else "its checksum is wrong"
    return None if _is_json_object(body) else "its body is not a JSON object"


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
