"""Implementations of the ports in memory, for tests of the use cases."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim.protocol.errors import ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.normalize import normalize_string
from scim.protocol.schema import ResourceType, load_user_type
from scim.service.deactivation_guard import DeactivationGuard, DeactivationReadings
from scim.service.deadline import Deadline
from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.audit.failure import RequestSummary
from scim.service.model.change_record import ChangeRecord
from scim.service.model.deactivations.brake import DeactivationLimit, MassDeactivation
from scim.service.model.deactivations.counts import CountSnapshot, DeactivationCounts
from scim.service.model.query import PageBoundary, Query, QueryResult, StartIndexPosition, VerifiedCursor
from scim.service.model.rate_limit.bucket import BucketUnavailable, Lease, LeaseRequest, RateLimit
from scim.service.model.stored_resource import CreationsFailed, NotUnique, StoredResource, VersionConflict, encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import parse_rfc3339
from scim.service.model.token import SecretNotFound, TokenStage, TokenUsage, TokenVersion
from scim.service.rate_limit.limiter import RateLimiter, RequestPermits
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService
from tests.endpoint import CORE

BASE_URL = "https://scim.example.com/scim/v2"
NOW = "2026-01-31T09:30:00.000Z"

_id_numbers = itertools.count(1)


def new_id() -> str:
    return f"00000000-0000-4000-8000-{next(_id_numbers):012x}"


@dataclass
class Clock:
    """The time that a request has left. Only ``sleep`` reduces it."""

    left_s: float = 29.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.left_s -= seconds

    @property
    def deadline(self) -> Deadline:
        return Deadline(lambda: self.left_s, self.sleep)


class MemoryStore:
    """The users of one tenant. Runs one of ``concurrent_writes`` before each write."""

    def __init__(self, *users: StoredResource) -> None:
        self.users = {user.id: user for user in users}
        self.changes: list[ChangeRecord] = []
        self.queries: list[Query] = []
        self.concurrent_writes: list[Callable[[], None]] = []

    def get(self, resource_id: str) -> StoredResource | None:
        return self.users.get(resource_id)

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        if self.concurrent_writes:
            self.concurrent_writes.pop(0)()
        for user in (before, after):
            if user is not None and self.users.get(user.id) != before:
                raise VersionConflict
        if after is not None:
            if any(
                _normalize_name(other) == _normalize_name(after)
                for other in self.users.values()
                if other.id != after.id
            ):
                raise NotUnique
            self.users[after.id] = after
        elif before is not None:
            del self.users[before.id]
        self.changes.append(change)

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        errors: dict[int, NotUnique | ScimError] = {}
        for index, (created, _) in enumerate(creations):
            others = [*self.users.values(), *(other for other, _ in creations[:index])]
            if _normalize_name(created) in map(_normalize_name, others):
                errors[index] = NotUnique()
        if errors:
            raise CreationsFailed(errors)
        for created, change in creations:
            self.write(None, created, change)

    def find(self, query: Query) -> QueryResult:
        self.queries.append(query)
        matching_users = [
            user for _, user in sorted(self.users.items()) if query.matches is None or query.matches(user)
        ]
        if query.order is not None:
            matching_users.sort(key=query.order.key, reverse=query.order.is_descending)
        if isinstance(query.start, StartIndexPosition):
            first = query.start.index - 1
            return QueryResult(len(matching_users), matching_users[first : first + query.count], "memory")
        ids = [user.id for user in matching_users]
        first = ids.index(query.start.boundaries[0].id) + 1 if query.start.boundaries else 0
        if query.start.is_backwards:
            first = max(first - 1 - query.count, 0)
        page = matching_users[first : first + query.count]
        after = [PageBoundary(page[-1].id, b"01234567")] if first + query.count < len(matching_users) else None
        before = [PageBoundary(page[0].id, b"01234567")] if first else None
        return QueryResult(len(matching_users), page, "memory", after, before)


@dataclass
class RecordedOutcomes:
    """Records the outcomes of operations."""

    failures: list[tuple[RequestSummary, ScimError, str | None]] = field(default_factory=list)
    successes: list[tuple[RequestSummary, list[str]]] = field(default_factory=list)

    def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
        self.failures.append((request, error, leniencies.last_rejected))

    def record_success(self, request: RequestSummary, leniencies: LeniencyTracker) -> None:
        self.successes.append((request, leniencies.ignored))


@dataclass
class FakeSigner:
    """Signs nothing. ``age_s`` is the age of each cursor that it verifies."""

    age_s: float = 0

    def sign(self, tenant_id: str, content: bytes) -> str:
        return f"{tenant_id}~{content.hex()}"

    def verify(self, tenant_id: str, text: str) -> VerifiedCursor | None:
        signed_for, _, content = text.partition("~")
        return VerifiedCursor(bytes.fromhex(content), self.age_s) if signed_for == tenant_id else None


class MemoryTenants:
    """The settings and audit events of tenants that have no users and send no requests."""

    def __init__(self, *tenants: Tenant) -> None:
        self.tenants = {tenant.id: tenant for tenant in tenants}
        self.events: list[AuditEvent] = []

    def get(self, tenant_id: str) -> Tenant | None:
        return self.tenants.get(tenant_id)

    def write(self, before: Tenant | None, after: Tenant, event: AuditEvent) -> None:
        if self.tenants.get(after.id) != before:
            raise VersionConflict
        self.tenants[after.id] = after
        self.events.append(event)

    def list_ids(self, after: str = "") -> Iterator[str]:
        return iter(sorted(tenant_id for tenant_id in self.tenants if tenant_id > after))

    def get_last_token_usage(self, _: str) -> TokenUsage | None:
        return None

    def count_users(self, _: str) -> tuple[int, int]:
        return 0, 0

    def list_users(self, *_: str, **__: str) -> Iterator[StoredResource]:
        return iter(())


class MemoryTokens:
    """The tokens of tenants: the versions and stages of each secret."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], TokenVersion] = {}
        self.stages: dict[str, dict[str, str]] = {}
        self.deleted: set[str] = set()

    def create_secret(self, tenant_id: str, version: str, expires: float | None) -> None:
        self.deleted.discard(tenant_id)
        if tenant_id in self.stages:
            self.add_pending(tenant_id, version, expires, 0)
        else:
            self.stages[tenant_id] = {TokenStage.CURRENT: version}
            self._create_token(tenant_id, version, expires, 0)

    def add_pending(self, tenant_id: str, version: str, expires: float | None, grace_s: float) -> None:
        if tenant_id not in self.stages or tenant_id in self.deleted:
            raise SecretNotFound
        if (tenant_id, version) not in self.versions:
            self.stages[tenant_id][TokenStage.PENDING] = version
            self._create_token(tenant_id, version, expires, grace_s)

    def _create_token(self, tenant_id: str, version: str, expires: float | None, grace_s: float) -> None:
        token = f"token {len(self.versions) + 1} of {tenant_id}"
        self.versions[tenant_id, version] = TokenVersion(version, token, expires, grace_s, 0)

    def read(self, tenant_id: str, version: str) -> TokenVersion | None:
        return self.versions.get((tenant_id, version))

    def read_stages(self, tenant_id: str) -> Mapping[str, str]:
        return dict(self.stages.get(tenant_id, {}))

    def promote(self, tenant_id: str, version: str, current: str | None, *, keep_previous: bool) -> bool:
        stages = self.stages[tenant_id]
        if stages.get(TokenStage.CURRENT) != current:
            return False
        stages |= {str(TokenStage.CURRENT): version} | (
            {str(TokenStage.PREVIOUS): current} if current and keep_previous else {}
        )
        return True

    def cancel_pending(self, tenant_id: str, version: str) -> None:
        assert self.stages[tenant_id].pop(TokenStage.PENDING) == version

    def remove_versions(self, tenant_id: str, version_ids: Collection[str], empty_version_id: str) -> None:
        if tenant_id in self.deleted:
            return
        stages = self.stages.get(tenant_id, {})
        if stages.get(TokenStage.CURRENT) in version_ids:
            stages[TokenStage.CURRENT] = empty_version_id
            self.versions[tenant_id, empty_version_id] = TokenVersion(empty_version_id, "", None, 0, 0)
        for stage in (TokenStage.PENDING, TokenStage.PREVIOUS):
            if stages.get(stage) in version_ids:
                del stages[stage]

    def delete_secret(self, tenant_id: str) -> None:
        self.deleted.add(tenant_id)

    def restore_secret(self, tenant_id: str) -> None:
        self.deleted.discard(tenant_id)

    def destroy_secret(self, tenant_id: str) -> None:
        self.stages.pop(tenant_id, None)


def _normalize_name(user: StoredResource) -> str:
    return normalize_string(user.resource["userName"])


def build_user(user_name: str = "alice", version: int = 1, **attributes: Any) -> StoredResource:
    """Return a user as the store returns it."""
    resource_id = new_id()
    schemas = [CORE, *(name for name in attributes if name.startswith("urn:"))]
    document = {"schemas": schemas, "id": resource_id, "userName": user_name, "active": True} | attributes
    return StoredResource(resource_id, version, NOW, NOW, encode_json(document))


@dataclass
class MemoryDeactivations:
    """The counts of a tenant's deactivations. Counts the reads and the snapshots that were written."""

    counts: DeactivationCounts = field(default_factory=lambda: DeactivationCounts(active=1_000, deactivated=0))
    alerts: list[MassDeactivation] = field(default_factory=list)
    read_count: int = 0
    written_snapshots: list[Sequence[CountSnapshot]] = field(default_factory=list)

    def read(self) -> DeactivationCounts:
        self.read_count += 1
        return self.counts

    def write_snapshots(self, snapshots: Sequence[CountSnapshot]) -> None:
        self.written_snapshots.append(list(snapshots))
        self.counts = replace(self.counts, snapshots=list(snapshots))

    def record_alert(self, before: MassDeactivation | None, alert: MassDeactivation) -> bool:
        if before != self.counts.last_alert:
            return False
        self.alerts.append(alert)
        self.counts = replace(self.counts, last_alert=alert)
        return True

    def add(self, number: int = 1) -> None:
        """Count users who were deactivated."""
        self.counts = replace(
            self.counts, active=self.counts.active - number, deactivated=self.counts.deactivated + number
        )


def build_guard(
    tenant: Tenant,
    store: MemoryDeactivations | None = None,
    *,
    readings: DeactivationReadings | None = None,
    now: Callable[[], float] = lambda: parse_rfc3339(NOW),
    limit: DeactivationLimit | None = None,
) -> DeactivationGuard:
    """Return a guard with a limit of 20 % and 10 users. It raises faults."""
    store = store or MemoryDeactivations()
    return DeactivationGuard(
        tenant,
        readings or DeactivationReadings(),
        store,
        limit or DeactivationLimit(percent=20, minimum=10),
        "request-1",
        now,
        lambda _: None,
        raise_fault,
    )


def raise_fault(fault: Exception) -> None:
    raise fault


class MemoryPermitStore:
    """Buckets in memory: each call is atomic, as a conditional write of DynamoDB is. ``calls`` counts the leases."""

    def __init__(self) -> None:
        self.full_at: dict[str, float] = {}
        self.calls = 0
        self.is_available = True

    def lease(self, tenant_id: str, request: LeaseRequest, limit: RateLimit, now: float) -> Lease:
        self.calls += 1
        if not self.is_available:
            raise BucketUnavailable
        full_at = self.full_at.get(tenant_id, now)
        returned = request.returned if full_at > now else 0
        available = limit.count_available(full_at, now) + returned
        if available < request.needed and not request.can_owe:
            return Lease(0, full_at)
        permits = max(request.needed, min(request.wanted, available))
        self.full_at[tenant_id] = max(full_at, now) + (permits - returned) / limit.rate
        return Lease(permits, self.full_at[tenant_id])


def build_permits(
    limit: RateLimit = RateLimit(25, 25_000),  # noqa: B008  # immutable
    store: MemoryPermitStore | None = None,
    now: Callable[[], float] = lambda: 0.0,
) -> RequestPermits:
    """Return the permits of a tenant in a new execution environment."""
    return RequestPermits(RateLimiter(limit, now, lambda: 0.0), "acme", store or MemoryPermitStore())


def build_context(
    *,
    tenant: Tenant | None = None,
    deadline: Deadline | None = None,
    signer: FakeSigner | None = None,
    permits: RequestPermits | None = None,
    now: Callable[[], str] = lambda: NOW,
) -> ServiceContext:
    tenant = tenant or Tenant("acme")
    return ServiceContext(
        tenant=tenant,
        request_id="request-1",
        base_url=BASE_URL,
        leniencies=LeniencyTracker(is_strict=tenant.is_strict),
        deadline=deadline or Clock().deadline,
        cursor_signer=signer or FakeSigner(),
        deactivation_guard=build_guard(tenant),
        permits=permits or build_permits(),
        now=lambda: parse_rfc3339(now()),
        new_id=new_id,
    )


def build_service(
    store: MemoryStore, service_context: ServiceContext | None = None, resource_type: ResourceType | None = None
) -> ResourceService:
    """Return the use cases of the users of a store."""
    return ResourceService(resource_type or load_user_type(), store, service_context or build_context())
