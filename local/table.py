"""The table of ``template.yaml`` on a local engine."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.constants import REGION
from local.engine import Engine
from local.errors import LocalRunError

_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})


def ensure_table(engine: Engine, request: dict[str, Any]) -> None:
    """Create the table unless it exists; raise ``LocalRunError`` if it has another shape, or the engine refuses."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=engine.url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - local engines take any
        config=_CONFIG,
    )
    try:
        client.create_table(**request)
        client.get_waiter("table_exists").wait(TableName=request["TableName"])
    except client.exceptions.ResourceInUseException:
        found = client.describe_table(TableName=request["TableName"])["Table"]
        _compare(found, request, engine)
        if "StreamSpecification" in request and "LatestStreamArn" not in found:  # made by an earlier version
            client.update_table(TableName=request["TableName"], StreamSpecification=request["StreamSpecification"])
    except (BotoCoreError, ClientError) as error:
        raise LocalRunError(f"{engine.name} ({engine.data}) does not take the table: {error}") from error


def _compare(found: Any, wanted: dict[str, Any], engine: Engine) -> None:
    if _shape(found) != _shape(wanted):
        raise LocalRunError(
            f"the table in {engine.data} has another shape than template.yaml's: make clean, or move it away"
        )


def _shape(table: dict[str, Any]) -> object:
    """What a change of can't be made up for here: the keys and the indexes."""
    indexes = {index["IndexName"]: index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", [])}
    return table["KeySchema"], indexes
