"""Build the fields of the log line ``fault``, which reports an error of the service."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from scim.auth.errors import MalformedSecret
from scim.aws.errors import get_error_code
from scim.tracebacks import format_frames


def describe_fault(fault: Exception) -> dict[str, Any]:
    """Return the class of an error, the error code of AWS, and the traceback.

    Only the message of :class:`MalformedSecret` is included. It says what to do. Other messages may contain personal
    data.
    """
    code = get_error_code(fault) if isinstance(fault, ClientError) else None
    detail = {"detail": str(fault)} if isinstance(fault, MalformedSecret) else {}
    return {"kind": type(fault).__name__, "code": code, "traceback": format_frames(fault), **detail}
