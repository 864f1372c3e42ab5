"""The DynamoDB table of ``template.yaml`` on a local engine."""

from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.aws_client import create_client
from local.engine import Engine
from local.errors import LocalRunError

_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})


def ensure_table(engine: Engine, request: dict[str, Any]) -> None:
    """Create the table of a CreateTable request, unless it exists.

    Raise ``LocalRunError`` if it exists with other keys or indexes, or if the engine refuses the request.
    """
    client = create_client("dynamodb", engine.url, _CONFIG)
    try:
        client.create_table(**request)
        client.get_waiter("table_exists").wait(TableName=request["TableName"])
    except client.exceptions.ResourceInUseException:
        table = client.describe_table(TableName=request["TableName"])["Table"]
        _check_keys(table, request, engine)
        if "StreamSpecification" in request and "LatestStreamArn" not in table:  # created by an earlier version
            client.update_table(TableName=request["TableName"], StreamSpecification=request["StreamSpecification"])
    except (BotoCoreError, ClientError) as error:
        raise LocalRunError(f"{engine.name} ({engine.data}) rejected the table: {error}") from error


def _check_keys(table: Any, request: dict[str, Any], engine: Engine) -> None:
    if _select_keys(table) != _select_keys(request):
        raise LocalRunError(
            f"the table in {engine.data} has other keys or indexes than template.yaml; move it away, or delete all "
            "local data: make clean DATA=1"
        )


def _select_keys(table: dict[str, Any]) -> object:
    """Return the parts of a table that can't be changed later: its keys and those of its indexes."""
    indexes = {index["IndexName"]: index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", [])}
    return table["KeySchema"], indexes
