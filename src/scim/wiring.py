"""The one place where adapters are built from the settings.

What only some functions use is imported where it is built, so that no other function pays for it with its start.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from scim import clients
from scim.access import secret_store
from scim.access.authentication import Authenticator
from scim.access.refusals import Refusals
from scim.access.seal import Seal
from scim.access.secret_store import SecretStore
from scim.protocol.schema import ResourceType, Type, user_type
from scim.service.deadline import Deadline
from scim.settings import Settings
from scim.store import dynamo
from scim.store.dynamo import Dynamo
from scim.store.tenants import TenantStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from scim.protocol.path import Path
    from scim.service.log import Log
    from scim.service.ports import Tenant
    from scim.service.tenants import Tenants
    from scim.store.records import RecordStore
    from scim.store.resources import Layout, ResourceStore

_DAY_S = 86_400
_CONNECTING_S = 30.0


@dataclass(frozen=True)
class Adapters:
    """What lives as long as the execution environment."""

    settings: Settings
    client: DynamoDBClient
    authenticator: Authenticator
    seal: Seal
    refusals: Refusals = field(default_factory=Refusals)

    @cached_property
    def layout(self) -> Layout:
        """Raises ``ValueError`` for attributes that can't be indexed."""
        from scim.store.resources import Layout

        return Layout(indexed(self.settings), _expiry(self.settings.change_retention_days), new_id, time.time)

    def prime(self, *, resources: bool) -> None:
        """Import and read what requests need, so that a snapshot holds it. Nothing unique or secret comes of it."""
        user_type()
        if resources:
            _ = self.layout

    def dynamo(self, deadline: Deadline) -> Dynamo:
        return Dynamo(self.client, self.settings.table_name, deadline)

    def tenants(self, calls: Dynamo) -> TenantStore:
        return TenantStore(calls)

    def resources(self, calls: Dynamo, tenant: Tenant, resource_type: ResourceType) -> ResourceStore:
        from scim.store.resources import ResourceStore

        return ResourceStore(calls, self.layout, tenant.id, resource_type)

    def records(self, calls: Dynamo, tenant_id: str) -> RecordStore:
        from scim.store.records import RecordStore

        return RecordStore(calls, tenant_id, time.time)


def adapters(settings: Settings) -> Adapters:
    """The clients in them are made, and have neither looked for credentials nor opened a connection."""
    secrets = _secrets_manager()
    return Adapters(
        settings=settings,
        client=_dynamodb(),
        authenticator=Authenticator(SecretStore(secrets, settings.secret_prefix), time.time),
        seal=Seal(secrets, settings.cursor_secret, time.time),
    )


def tenants(settings: Settings) -> Tenants:
    """The use cases around tenants, for whoever administers them."""
    from scim.service.tenants import Tenants

    calls = Dynamo(_dynamodb(), settings.table_name, deadline(_CONNECTING_S))
    return Tenants(TenantStore(calls), SecretStore(_secrets_manager(), settings.secret_prefix))


def log(settings: Settings, tenant_id: str) -> Log | None:
    """The use cases around a tenant's log, for whoever may read all of it; ``None`` for no such tenant."""
    from scim.protocol.dialect import Dialect
    from scim.service.context import Context
    from scim.service.log import Log

    found = adapters(settings)
    limit = deadline(_CONNECTING_S)
    calls = found.dynamo(limit)
    tenant = found.tenants(calls).get(tenant_id)
    if tenant is None:
        return None
    context = Context(tenant, "", settings.public_url, Dialect(), limit, found.seal, now, new_id)
    users = found.resources(calls, tenant, tenant.resource_types[0])
    return Log(found.records(calls, tenant_id), users, context)


def deadline(seconds: float) -> Deadline:
    """The deadline ``seconds`` from now."""
    end = time.monotonic() + seconds
    return Deadline(lambda: end - time.monotonic(), time.sleep)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    return str(uuid.uuid4())


def _secrets_manager() -> SecretsManagerClient:
    client: SecretsManagerClient = clients.client("secretsmanager", secret_store.CLIENT_CONFIG)
    return client


def _dynamodb() -> DynamoDBClient:
    client: DynamoDBClient = clients.client("dynamodb", dynamo.CLIENT_CONFIG)
    return client


def _expiry(days: int) -> Callable[[], int | None]:
    return lambda: int(time.time()) + days * _DAY_S if days else None


def indexed(settings: Settings) -> Mapping[str, Path]:
    """The indexed attributes by the name that their paths print themselves as. Raises ``ValueError``."""
    from scim.protocol.dialect import Dialect
    from scim.protocol.path import UnknownAttribute, resolve

    try:
        paths = [resolve(name, user_type(), Dialect(strict=True)) for name in settings.indexed_attributes]
    except UnknownAttribute as unknown:
        raise ValueError(f"INDEXED_ATTRIBUTES names {unknown.name}, which no schema has.") from unknown
    for path in paths:
        leaf = path.leaf
        if leaf is None or leaf.type not in (Type.STRING, Type.REFERENCE) or leaf.read_only or leaf.write_only:
            raise ValueError(
                f"INDEXED_ATTRIBUTES names {path}, which is no string: name a sub-attribute, or leave it out."
            )
    return {str(path): path for path in paths}
