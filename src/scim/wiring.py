"""The one place where adapters are built from the settings."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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

    from scim.events.relay import Relay

_INDEXABLE = (Type.STRING, Type.REFERENCE)
_DAY_S = 86_400
_CONNECTING_S = 30.0


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
        return TenantStore(calls)

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


def publishing(settings: Settings) -> Callable[[Deadline], Relay]:
    """The relay from the table's stream to the event bus, for one batch each.

    Raises ``ValueError`` where the settings of the bus or the queue are missing.
    """
    from scim.events import bus, poison, relay  # their models take 20 ms, which only one function has use for

    if not (settings.event_bus_name and settings.poison_queue_url):
        raise ValueError("Publishing changes needs EVENT_BUS_NAME and POISON_QUEUE_URL.")
    events = boto3.client("events", config=bus.CLIENT_CONFIG)
    queues = boto3.client("sqs", config=bus.CLIENT_CONFIG)
    return lambda deadline: relay.Relay(
        bus.Bus(events, settings.event_bus_name, relay.for_the_bus(deadline)),
        poison.PoisonQueue(queues, settings.poison_queue_url, deadline),
    )


def tenants(settings: Settings) -> Tenants:
    """The use cases around tenants, for whoever administers them."""
    client = boto3.client("dynamodb", config=dynamo.CLIENT_CONFIG)
    calls = Dynamo(client, settings.table_name, deadline(_CONNECTING_S))
    return Tenants(TenantStore(calls), _secrets(settings))


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
