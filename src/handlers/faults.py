"""Faults of ours, as log lines tell them."""

from __future__ import annotations

import traceback
from typing import Any

from botocore.exceptions import ClientError


def describe(fault: Exception) -> dict[str, Any]:
    """Where a fault happened and its kind. Its message may hold what a person's data are."""
    frames = traceback.extract_tb(fault.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else None
    return {"kind": type(fault).__name__, "code": code, "where": where}
