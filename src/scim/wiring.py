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
from typing import TYPE_CHECKING, Any

from scim.auth.authentication import Authenticator
from scim.auth.cursor_signing import HmacCursorSigner
from scim.auth.master_key.key_ring import MasterKey
from scim.auth.rejected_tokens import RejectedTokenCounter
from scim.auth.token_secrets import TokenSecrets
from scim.aws import clients
from scim.aws.clients import DYNAMODB_CONFIG, EVENTS_CONFIG, OPERATOR_SECRETS_CONFIG, SECRETS_CONFIG
from scim.protocol.schema import DataType, ResourceType, load_user_type
from scim.service.deadline import Deadline
from scim.settings import Settings
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from scim.auth.console_secret import ConsoleSecret
    from scim.auth.master_key.rotation import MasterKeyRotation
    from scim.auth.oidc import OpenIdProvider
    from scim.console_settings import ConsoleSettings
    from scim.events.link_processor import LinkProcessor
    from scim.events.stream_processor import StreamProcessor
    from scim.protocol.filter.ast import Path
    from scim.service.audit.log import AuditLog
    from scim.service.console.invitations import Invitations
    from scim.service.model.tenant import Tenant
    from scim.service.references.link_task import LinkResult, LinkTask
    from scim.service.tenants.overview import TenantOverview
    from scim.service.tenants.tenants import Tenants
    from scim.store.audit_log import DynamoDBAuditLogStore
    from scim.store.resources import DynamoDBResourceStore, TableConfig

_DAY_S = 86_400
_OPERATING_S = 30.0


@dataclass(frozen=True)
class EndpointAdapters:
    """What lives as long as the execution environment."""

    settings: Settings
    client: DynamoDBClient
    authenticator: Authenticator
    cursor_signer: HmacCursorSigner
    refusals: RejectedTokenCounter = field(default_factory=RejectedTokenCounter)
    malformed_tokens: RejectedTokenCounter = field(default_factory=RejectedTokenCounter)

    @cached_property
    def layout(self) -> TableConfig:
        """Raises ``ValueError`` for attributes that can't be indexed."""
        return _layout(self.settings)

    def prime(self, *, resources: bool) -> None:
        """Import and read what requests need, so that a snapshot holds it. Nothing unique or secret comes of it."""
        load_user_type()
        if resources:
            _ = self.layout

    def dynamo(self, deadline: Deadline) -> Table:
        return Table(self.client, self.settings.table_name, deadline)

    def tenants(self, calls: Table) -> DynamoDBTenantStore:
        return DynamoDBTenantStore(calls, new_id)

    def resources(self, calls: Table, tenant: Tenant, resource_type: ResourceType) -> DynamoDBResourceStore:
        from scim.store.resources import DynamoDBResourceStore

        return DynamoDBResourceStore(calls, self.layout, tenant.id, resource_type)

    def records(self, calls: Table, tenant_id: str) -> DynamoDBAuditLogStore:
        from scim.store.audit_log import DynamoDBAuditLogStore

        return DynamoDBAuditLogStore(calls, tenant_id, clock)


def build_endpoint(settings: Settings, report: Callable[[Exception], None]) -> EndpointAdapters:
    """Make the clients, which neither look for credentials nor open a connection yet.

    ``report`` receives faults that do not fail the request.
    """
    secrets = _secrets_manager()
    master_key = MasterKey(secrets, settings.master_key_secret, clock, report)
    store = TokenSecrets(secrets, settings.secret_prefix, master_key)
    return EndpointAdapters(
        settings=settings,
        client=_dynamodb(),
        authenticator=Authenticator(store, clock, report),
        cursor_signer=HmacCursorSigner(master_key, clock),
    )


def connect_stream_processor(settings: Settings) -> Callable[[Deadline], StreamProcessor]:
    """Return what makes the processor of the table's stream for each batch.

    Raises ``ValueError`` where the bus or a queue is missing in the settings.
    """
    from scim.events import stream_processor
    from scim.events.dead_letter import DeadLetterQueue
    from scim.events.eventbridge import EventBus
    from scim.events.message_queue import MessageQueue

    if not (settings.event_bus_name and settings.links_queue_url and settings.dead_letter_queue_url):
        raise ValueError("Publishing changes needs EVENT_BUS_NAME, LINKS_QUEUE_URL and DEAD_LETTER_QUEUE_URL.")
    events = clients.client("events", EVENTS_CONFIG)
    queues = clients.client("sqs", EVENTS_CONFIG)

    def connect(deadline: Deadline) -> StreamProcessor:
        return stream_processor.StreamProcessor(
            EventBus(events, settings.event_bus_name, stream_processor.publish_deadline(deadline)),
            MessageQueue(queues, settings.links_queue_url, stream_processor.link_task_deadline(deadline)),
            DeadLetterQueue(MessageQueue(queues, settings.dead_letter_queue_url, deadline)),
            clock,
        )

    return connect


def connect_link_processor(settings: Settings) -> Callable[[Deadline], LinkProcessor]:
    """Return what makes the processor of the links queue for each batch.

    Raises ``ValueError`` where a queue is missing in the settings, or attributes can't be indexed.
    """
    from scim.events.dead_letter import DeadLetterQueue
    from scim.events.link_processor import LinkProcessor
    from scim.events.message_queue import MessageQueue
    from scim.service.references.reference_resolver import ReferenceResolver
    from scim.store.references import DynamoDBReferenceStore

    if not (settings.links_queue_url and settings.links_dead_letter_queue_url):
        raise ValueError("Linking users needs LINKS_QUEUE_URL and LINKS_DEAD_LETTER_QUEUE_URL.")
    tables, layout = _dynamodb(), _layout(settings)
    queues = clients.client("sqs", EVENTS_CONFIG)

    def run(task: LinkTask, deadline: Deadline) -> LinkResult:
        calls = Table(tables, settings.table_name, deadline)
        tenant = DynamoDBTenantStore(calls, new_id).get(task.tenant)
        resource_type = tenant.resource_types[0] if tenant else load_user_type()
        return ReferenceResolver(
            DynamoDBReferenceStore(calls, layout, task.tenant, resource_type), resource_type, now
        ).run(task)

    def connect(deadline: Deadline) -> LinkProcessor:
        return LinkProcessor(
            run,
            MessageQueue(queues, settings.links_queue_url, deadline),
            DeadLetterQueue(MessageQueue(queues, settings.links_dead_letter_queue_url, deadline)),
            deadline,
        )

    return connect


@dataclass(frozen=True, slots=True)
class OperatorAdapters:
    """Whoever administers tenants, with rights that no function behind the API has. ``actor`` stands in the records."""

    settings: Settings
    actor: str
    client: DynamoDBClient
    secrets: TokenSecrets
    master_key: MasterKeyRotation

    def store(self, seconds: float = _OPERATING_S) -> DynamoDBTenantStore:
        """The tenants in the table, for as long as an operation may take."""
        return DynamoDBTenantStore(Table(self.client, self.settings.table_name, deadline(seconds)), new_id)

    def tenants(self) -> Tenants:
        """The use cases around tenants, for one operation."""
        from scim.service.tenants.tenants import Tenants

        return Tenants(self.store(), self.secrets, self.actor, clock, new_id)

    def invitations(self) -> Invitations:
        """Invitations to the console, for one operation."""
        from scim.service.console.invitations import Invitations
        from scim.store.console import DynamoDBConsoleStore, DynamoDBInvitationStore

        calls = Table(self.client, self.settings.table_name, deadline(_OPERATING_S))
        store, sessions = DynamoDBInvitationStore(calls, new_id), DynamoDBConsoleStore(calls)
        return Invitations(DynamoDBTenantStore(calls, new_id), store, sessions, self.actor, clock, new_id)

    def log(self, tenant_id: str, seconds: float = _OPERATING_S) -> AuditLog | None:
        """The log of a tenant, for as long as an operation may take; ``None`` for no such tenant."""
        from scim.service.audit.log import AuditLog
        from scim.store.audit_log import DynamoDBAuditLogStore
        from scim.store.resources import DynamoDBResourceStore

        calls = Table(self.client, self.settings.table_name, deadline(seconds))
        tenants = DynamoDBTenantStore(calls, new_id)
        tenant = tenants.get(tenant_id)
        if tenant is None:
            return None
        users = DynamoDBResourceStore(calls, _layout(self.settings), tenant_id, tenant.resource_types[0])
        return AuditLog(
            DynamoDBAuditLogStore(calls, tenant_id, clock),
            users,
            tenant,
            lambda: tenants.get_last_token_usage(tenant_id),
            now,
        )

    def overview(self, tenant_id: str) -> TenantOverview | None:
        """Return the overview of one tenant of a list, within the time that such a one has; ``None`` for no tenant."""
        from scim.service.tenants.overview import OVERVIEW_S, load_overview
        from scim.store.audit_log import DynamoDBAuditLogStore

        calls = Table(self.client, self.settings.table_name, deadline(OVERVIEW_S))
        tenants = DynamoDBTenantStore(calls, new_id)
        tenant = tenants.get(tenant_id)
        if tenant is None:
            return None
        return load_overview(tenant, tenants, DynamoDBAuditLogStore(calls, tenant_id, clock), clock())


def build_operator(
    settings: Settings, actor: str, session: Any = None, endpoints: Mapping[str, str] | None = None
) -> OperatorAdapters:
    """``session`` of boto3 makes the clients, ``endpoints`` has URLs of services that are not at AWS's."""
    import boto3  # no function behind the API imports it

    from scim.auth.master_key.rotation import MasterKeyRotation

    session, found = session or boto3, endpoints or {}
    client = session.client("dynamodb", config=DYNAMODB_CONFIG, endpoint_url=found.get("dynamodb"))
    secrets = session.client("secretsmanager", config=OPERATOR_SECRETS_CONFIG, endpoint_url=found.get("secretsmanager"))
    master_key = MasterKey(secrets, settings.master_key_secret, clock, _raise)
    return OperatorAdapters(
        settings,
        actor,
        client,
        TokenSecrets(secrets, settings.secret_prefix, master_key),
        MasterKeyRotation(secrets, settings.master_key_secret, clock),
    )


@dataclass(frozen=True)
class ConsoleAdapters:
    """What the console keeps as long as its execution environment lives."""

    settings: ConsoleSettings
    client: DynamoDBClient
    secrets: TokenSecrets
    password: ConsoleSecret
    master_key: MasterKey
    openid: ConsoleSecret

    def openid_provider(self) -> OpenIdProvider | None:
        """The company's; ``None`` where the password opens the console.

        Raises ``ValueError`` where the secret does not tell who may in.
        """
        from scim.console_settings import OpenIdSettings

        settings = OpenIdSettings.model_validate_json(self.openid.value())
        if not settings.issuer:
            return None
        from scim.auth.oidc import AdmissionPolicy, OpenIdProvider

        domains = frozenset(map(str.lower, settings.domains))
        admission = AdmissionPolicy(frozenset(settings.groups), domains, settings.groups_claim)
        return OpenIdProvider(settings.issuer, settings.client_id, settings.client_secret, admission)

    @cached_property
    def layout(self) -> TableConfig:
        from scim.store.resources import TableConfig

        return TableConfig(indexed(self.settings), _expiry(self.settings.change_retention_days), new_id, clock)

    def dynamo(self, deadline: Deadline) -> Table:
        return Table(self.client, self.settings.table_name, deadline)


def build_console(settings: ConsoleSettings, report: Callable[[Exception], None]) -> ConsoleAdapters:
    """Make the clients, which neither look for credentials nor open a connection yet.

    ``report`` receives faults that do not fail the request.
    """
    from scim.auth.console_secret import ConsoleSecret

    secrets = clients.client("secretsmanager", OPERATOR_SECRETS_CONFIG)
    master_key = MasterKey(secrets, settings.master_key_secret, clock, report)
    return ConsoleAdapters(
        settings=settings,
        client=_dynamodb(),
        secrets=TokenSecrets(secrets, settings.secret_prefix, master_key),
        password=ConsoleSecret(secrets, settings.password_secret, clock),
        master_key=master_key,
        openid=ConsoleSecret(secrets, settings.openid_secret, clock),
    )


def _raise(fault: Exception) -> None:
    """Fail an operator's command, which has no log to report the fault to."""
    raise fault


def deadline(seconds: float) -> Deadline:
    """The deadline ``seconds`` from now."""
    end = time.monotonic() + seconds
    return Deadline(lambda: end - time.monotonic(), time.sleep)


def clock() -> float:
    """The seconds since 1970."""
    return time.time()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    return str(uuid.uuid4())


def _secrets_manager() -> SecretsManagerClient:
    client: SecretsManagerClient = clients.client("secretsmanager", SECRETS_CONFIG)
    return client


def _dynamodb() -> DynamoDBClient:
    client: DynamoDBClient = clients.client("dynamodb", DYNAMODB_CONFIG)
    return client


def _layout(settings: Settings) -> TableConfig:
    from scim.store.resources import TableConfig

    return TableConfig(indexed(settings), _expiry(settings.change_retention_days), new_id, clock)


def _expiry(days: int) -> Callable[[], int | None]:
    return lambda: int(time.time()) + days * _DAY_S if days else None


def indexed(settings: Settings) -> Mapping[str, Path]:
    """The indexed attributes by the name that their paths print themselves as. Raises ``ValueError``."""
    from scim.protocol.filter.path import UnknownAttribute, resolve_path
    from scim.protocol.leniency import Dialect

    try:
        paths = [resolve_path(name, load_user_type(), Dialect(strict=True)) for name in settings.indexed_attributes]
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
                f"INDEXED_ATTRIBUTES names {path}, which is no string: name a sub-attribute, or leave it out."
            )
    return {str(path): path for path in paths}
