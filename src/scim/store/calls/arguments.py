"""Build arguments that several calls to DynamoDB have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# ``Limit`` is a 32-bit integer (Amazon DynamoDB API reference, Query). A call stops at 1 MB long before that.
_MAX_LIMIT = 2**31 - 1


def build_limit(limit: int | None) -> dict[str, int]:
    """Return the argument that limits the number of items that a call reads. A client's number can be any size."""
    return {} if limit is None else {"Limit": min(limit, _MAX_LIMIT)}


def build_projection(attributes: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that select attributes, by placeholders because many names are reserved words."""
    if not attributes:
        return {}
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
