"""Faults of ours, as log lines tell them."""

from __future__ import annotations

import traceback
from typing import Any

from botocore.exceptions import ClientError

from scim.auth.errors import MalformedSecret


def describe_fault(fault: Exception) -> dict[str, Any]:
    """Return where a fault happened and its kind, and what the operator has to do about a damaged secret.

    Other messages are left out: they may hold a person's data.
    """
    stack = traceback.extract_tb(fault.__traceback__)
    frames = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in stack]
    code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else None
    detail = {"detail": str(fault)} if isinstance(fault, MalformedSecret) else {}
    return {"kind": type(fault).__name__, "code": code, "traceback": frames, **detail}
