"""The engines and the table of the tests."""

import os
from typing import Any

from local import engine
from local.errors import LocalRunError

TABLE: dict[str, Any] = {
    "TableName": "muster",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


def list_engines() -> list[str]:
    """Return the engines to test: ministack, which make test always installs, and the engine of this platform."""
    try:
        return sorted({"ministack", os.environ.get("ENGINE") or engine.find_installed()})
    except LocalRunError:
        return ["ministack"]


NAMES = list_engines()
