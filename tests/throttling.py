"""A table that refuses one tenant's reads, as a partition without capacity does."""

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

_REFUSED = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}


def throttle_tenant(tenant: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every query of the tenant's failures, and return a list that grows by each call that is refused."""
    refused: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001  # what all calls go through

    def refuse(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        values = arguments.get("ExpressionAttributeValues", {})
        if operation == "Query" and values.get(":pk") == {"S": f"F#{tenant}"}:
            refused.append(operation)
            raise ClientError(_REFUSED, operation)  # type: ignore[arg-type]  # what the SDK reads of it
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    return refused
