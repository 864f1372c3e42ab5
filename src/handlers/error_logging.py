"""Build the fields of the log line ``fault``, which reports an error of the service."""

from __future__ import annotations

from typing import Any

from scim.auth.errors import MalformedSecret
from scim.aws.errors import AwsError
from scim.tracebacks import format_frames


def describe_fault(fault: Exception) -> dict[str, Any]:
    """Return the class of an error, its code if a call to AWS failed, and the traceback.

    Only the message of :class:`MalformedSecret` is included. It says what to do. Other messages may contain personal
    data.
    """
    code = fault.code if isinstance(fault, AwsError) else None
    detail = {"detail": str(fault)} if isinstance(fault, MalformedSecret) else {}
    return {"kind": type(fault).__name__, "code": code, "traceback": format_frames(fault), **detail}
