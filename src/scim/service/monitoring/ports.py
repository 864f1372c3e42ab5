"""The interfaces of the store and of the channels that the health check needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from scim.service.model.audit.failure import DailyFailures
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenUsage
from scim.service.monitoring.health_record import HealthRecord
from scim.service.problems.ports import ProblemStore


@dataclass(frozen=True, slots=True)
class TenantSnapshot:
    """What every health check reads of a tenant: settings, failures of two days, the last mass deactivation."""

    tenant: Tenant
    failures: DailyFailures
    last_alert: MassDeactivation | None


class HealthStore(Protocol):
    """The health records of all tenants, and the position of the check."""

    def list_records(self, after: str = "") -> Iterator[tuple[str, HealthRecord | None]]:
        """Yield the ids of all tenants in order, starting after the id ``after``, with their health records."""

    def read_snapshots(self, tenant_ids: Collection[str], days: Sequence[str]) -> Mapping[str, TenantSnapshot]:
        """Return what the check reads of these tenants, by id. ``days`` are the days of the failures (UTC).

        Tenants that do not exist, or whose items cannot be decoded, are omitted.
        """

    def read(self, tenant_id: str) -> HealthRecord | None:
        """Return the health record of a tenant, ``None`` if it has none."""

    def write(self, tenant_id: str, before: HealthRecord | None, after: HealthRecord) -> bool:
        """Replace the record ``before``. Return false if another record is stored, or the tenant was purged."""

    def read_position(self) -> str:
        """Return the id of the tenant after which the next check begins, empty for the first tenant."""

    def write_position(self, position: str, finished_at: str) -> None:
        """Store the position, and when all tenants were checked last, if this run has finished them."""


class TenantDetails(Protocol):
    """What the health check reads of a tenant with failures."""

    @property
    def problem_store(self) -> ProblemStore:
        """The failures and the users of the tenant."""

    def get_last_token_usage(self) -> TokenUsage | None:
        """Return the usage of the token that was used last, ``None`` if no token was ever used."""

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count at most ``limit`` changes. Return the number, and whether there may be more."""

    def read_newest_change_time(self) -> str:
        """Return when a client changed a user last (RFC 3339 in UTC), empty for never."""


class AlertChannel(Protocol):
    """A place to which alerts are sent, such as an SNS topic."""

    @property
    def name(self) -> str:
        """The name in health records. It does not contain the address, which may be secret."""

    def send(self, subject: str, text: str, members: Mapping[str, object]) -> None:
        """Send a message. Raise :class:`AlertNotSent` if the channel has not accepted it.

        ``members`` is the content of the message for programs.
        """


class AlertNotSent(Exception):
    """A channel has not accepted a message, or has not answered in time."""
