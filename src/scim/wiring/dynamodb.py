"""Build the DynamoDB client, and the configuration of resource stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from scim.aws import clients
from scim.aws.config import DYNAMODB_CONFIG, ClientKind
from scim.protocol.schema import DataType, load_user_type
from scim.store.table import Table
from scim.wiring import runtime

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.protocol.filter.ast import AttributePath
    from scim.service.deadline import Deadline
    from scim.settings import Settings
    from scim.store.resources import ResourceStoreConfig

DAY_S = 86_400
"""The number of seconds in a day."""


def create_client(kind: ClientKind = ClientKind.BOTOCORE) -> DynamoDBClient:
    """Create a client of DynamoDB. It does not load credentials or open a connection yet."""
    client: DynamoDBClient = clients.create_client("dynamodb", DYNAMODB_CONFIG, kind)
    return client


def open_table(client: DynamoDBClient, settings: Settings, deadline: Deadline) -> Table:
    """Return the table for a request or a command with this deadline. It counts the calls to DynamoDB."""
    return Table(client, settings.table_name, deadline, settings.restored_at)


def build_resource_store_config(settings: Settings) -> ResourceStoreConfig:
    """Return the configuration of resource stores. Raise ``ValueError`` for attributes that cannot be indexed."""
    from scim.store.resources import ResourceStoreConfig

    expires = _build_expiry_function(settings.change_retention_days)
    return ResourceStoreConfig(resolve_indexed_attributes(settings), expires, runtime.new_id, runtime.current_time)


def resolve_indexed_attributes(settings: Settings) -> Mapping[str, AttributePath]:
    """Return the paths of the indexed attributes, by their texts such as ``emails.value``.

    Raise ``ValueError`` for an attribute that no schema has, or that is not a readable and writable string.
    """
    from scim.protocol.filter.path import UnknownAttribute, resolve_path
    from scim.protocol.leniency import LeniencyTracker

    try:
        paths = [
            resolve_path(name, load_user_type(), LeniencyTracker(is_strict=True))
            for name in settings.indexed_attributes
        ]
    except UnknownAttribute as unknown:
        raise ValueError(f"INDEXED_ATTRIBUTES names {unknown.name}, which no schema has.") from unknown
    for path in paths:
        leaf = path.leaf
        if (
            leaf is None
            or leaf.type not in (DataType.STRING, DataType.REFERENCE)
            or leaf.is_read_only
            or leaf.is_write_only
        ):
            raise ValueError(
                f"INDEXED_ATTRIBUTES names {path}, which is not a string. Use a sub-attribute, or remove it."
            )
    return {str(path): path for path in paths}


def _build_expiry_function(days: int) -> Callable[[], int | None]:
    """Return a function that returns when a new change record expires, in seconds since 1970; ``None`` for never."""
    return lambda: int(runtime.current_time()) + days * DAY_S if days else None
