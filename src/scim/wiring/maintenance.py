"""Build what long work needs: a paced table, the services on it, and resumable tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT, Pacer
from scim.service.maintenance.tasks import ResumableTaskRunner
from scim.store.maintenance.paced_client import open_paced_table
from scim.store.maintenance.tasks import DynamoDBTaskStore
from scim.wiring import runtime
from scim.wiring.administration import Administration
from scim.wiring.dynamodb import build_resource_store_config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.auth.token_store import SecretsManagerTokenStore
    from scim.settings import Settings
    from scim.store.table import Table


@dataclass(frozen=True)
class Maintenance:
    """What one run of long work needs.

    ``actor`` is the actor in the audit events. ``percent`` is the share of a partition's capacity that the work may
    consume.
    """

    settings: Settings
    dynamodb_client: DynamoDBClient
    token_store: SecretsManagerTokenStore
    actor: str
    percent: float = DEFAULT_RATE_PERCENT

    @cached_property
    def pacer(self) -> Pacer:
        """The pacer of this run, which also counts its calls and units."""
        return Pacer(self.percent, runtime.elapsed_time, runtime.sleep)

    @cached_property
    def table(self) -> Table:
        """The table, whose calls the pacer slows down. It has no deadline."""
        return open_paced_table(
            self.dynamodb_client,
            self.settings.table_name,
            self.pacer,
            runtime.elapsed_time,
            runtime.sleep,
            self.settings.restored_at,
        )

    @cached_property
    def administration(self) -> Administration:
        """The services and stores on the paced table."""
        return Administration(
            self.table, lambda: build_resource_store_config(self.settings), self.token_store, self.actor
        )

    @cached_property
    def tasks(self) -> ResumableTaskRunner:
        """Runs resumable tasks."""
        return ResumableTaskRunner(DynamoDBTaskStore(self.table), self.actor, runtime.current_time, runtime.new_id)
