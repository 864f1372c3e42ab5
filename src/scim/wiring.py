"""The one place where adapters are built from the settings."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3

from scim.access import secret_store
from scim.access.authentication import Authenticator
from scim.access.secret_store import SecretStore
from scim.protocol.dialect import Dialect
from scim.protocol.path import Path, UnknownAttribute, resolve
from scim.protocol.schema import ResourceType, Type, user_type
from scim.service.deadline import Deadline
from scim.service.ports import Tenant
from scim.service.tenants import Tenants
from scim.settings import Settings
from scim.store import dynamo
from scim.store.dynamo import Dynamo
from scim.store.resources import Layout, ResourceStore
from scim.store.tenants import TenantStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEXABLE = (Type.STRING, Type.REFERENCE)
_DAY_S = 86_400
_OPERATING_S = 30.0


@dataclass(frozen=True, slots=True)
class Adapters:
    """What lives as long as the execution environment. Clients are made on first use, never on import."""

    settings: Settings
    client: DynamoDBClient
    layout: Layout
    authenticator: Authenticator

    def dynamo(self, deadline: Deadline) -> Dynamo:
        return Dynamo(self.client, self.settings.table_name, deadline)

    def tenants(self, calls: Dynamo) -> TenantStore:
        return TenantStore(calls, new_id)

    def resources(self, calls: Dynamo, tenant: Tenant, resource_type: ResourceType) -> ResourceStore:
        return ResourceStore(calls, self.layout, tenant.id, resource_type)


def adapters(settings: Settings) -> Adapters:
    client = boto3.client("dynamodb", config=dynamo.CLIENT_CONFIG)
    return Adapters(
        settings=settings,
        client=client,
        layout=Layout(_indexed(settings), _expiry(settings.change_retention_days), new_id),
        authenticator=Authenticator(_secrets(settings), time.time),
    )


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever administers tenants, with rights that no function behind the API has. ``actor`` stands in the records."""

    settings: Settings
    actor: str
    client: DynamoDBClient
    secrets: SecretStore

    def store(self, seconds: float = _OPERATING_S) -> TenantStore:
        """The tenants in the table, for as long as an operation may take."""
        return TenantStore(Dynamo(self.client, self.settings.table_name, deadline(seconds)), new_id)

    def tenants(self) -> Tenants:
        """The use cases around tenants, for one operation."""
        return Tenants(self.store(), self.secrets, self.actor, time.time, new_id)


def operator(
    settings: Settings, actor: str, session: Any = boto3, endpoints: Mapping[str, str] | None = None
) -> Operator:
    """``session`` makes the clients, ``endpoints`` has URLs of services that are not at AWS's."""
    found = endpoints or {}
    client = session.client("dynamodb", config=dynamo.CLIENT_CONFIG, endpoint_url=found.get("dynamodb"))
    secrets = session.client(
        "secretsmanager", config=secret_store.OPERATOR_CONFIG, endpoint_url=found.get("secretsmanager")
    )
    return Operator(settings, actor, client, SecretStore(secrets, settings.secret_prefix))


def deadline(seconds: float) -> Deadline:
    """The deadline ``seconds`` from now."""
    end = time.monotonic() + seconds
    return Deadline(lambda: end - time.monotonic(), time.sleep)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    return str(uuid.uuid4())


def _secrets(settings: Settings) -> SecretStore:
    return SecretStore(boto3.client("secretsmanager", config=secret_store.CLIENT_CONFIG), settings.secret_prefix)


def _expiry(days: int) -> Callable[[], int | None]:
    return lambda: int(time.time()) + days * _DAY_S if days else None


def _indexed(settings: Settings) -> Mapping[str, Path]:
    """The indexed attributes by the name that their paths print themselves as. Raises ``ValueError``."""
    try:
        paths = [resolve(name, user_type(), Dialect(strict=True)) for name in settings.indexed_attributes]
    except UnknownAttribute as unknown:
        raise ValueError(f"INDEXED_ATTRIBUTES names {unknown.name}, which no schema has.") from unknown
    for path in paths:
        if path.leaf is None or path.leaf.type not in _INDEXABLE or path.leaf.read_only or path.leaf.write_only:
            raise ValueError(
                f"INDEXED_ATTRIBUTES names {path}, which is no string: name a sub-attribute, or leave it out."
            )
    return {str(path): path for path in paths}
