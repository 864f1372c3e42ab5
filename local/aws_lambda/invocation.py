"""The interface of a Lambda function."""

from collections.abc import Mapping
from typing import Any, Protocol


class FunctionError(Exception):
    """A function returned no result: its handler raised an exception, its process died or it timed out."""


class Function(Protocol):
    """A Lambda function."""

    async def invoke(self, event: Mapping[str, Any]) -> object:
        """Return the handler's result; raise ``FunctionError`` if there is none."""
        ...
