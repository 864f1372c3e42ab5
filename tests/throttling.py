"""A table that throttles the reads of one tenant, as a partition without capacity does."""

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

_THROTTLED = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}


def throttle_tenant(tenant: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Throttle all queries of the tenant's failures; return a list to which each throttled call is appended."""
    throttled: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001  # all calls use it

    def throttle(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        values = arguments.get("ExpressionAttributeValues", {})
        if operation == "Query" and values.get(":pk") == {"S": f"F#{tenant}"}:
            throttled.append(operation)
            raise ClientError(_THROTTLED, operation)  # type: ignore[arg-type]  # has the members that the SDK reads
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", throttle)
    return throttled
