"""How a Lambda function is invoked."""

from collections.abc import Mapping
from typing import Any, Protocol


class FunctionError(Exception):
    """A function returned no result: its handler raised, its process died or it timed out."""


class Function(Protocol):
    """A Lambda function: ``invoke`` returns the handler's result or raises ``FunctionError``."""

    async def invoke(self, event: Mapping[str, Any]) -> object: ...
