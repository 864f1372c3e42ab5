"""Build the adapters of the CLI, and of the rotation of tokens by Secrets Manager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim.auth.master_key.master_key import MasterKey
from scim.auth.token_store import SecretsManagerTokenStore
from scim.aws.config import DYNAMODB_CONFIG, MAINTENANCE_CONFIG, OPERATOR_SECRETS_CONFIG, ClientConfig
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.dynamodb import build_resource_store_config, open_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.auth.master_key.rotation import MasterKeyRotation
    from scim.auth.token_rotation import TokenRotation
    from scim.store.table import Table
    from scim.wiring.administration import Administration
    from scim.wiring.maintenance import Maintenance

OPERATION_TIMEOUT_S = 30.0
"""The default time for an operation."""


@dataclass(frozen=True, slots=True)
class OperatorAdapters:
    """The adapters of the CLI and of token rotation. They need more permissions than the functions of the API.

    ``actor`` is the actor in the audit events.
    """

    settings: Settings
    actor: str
    dynamodb_client: DynamoDBClient
    token_store: SecretsManagerTokenStore
    master_key_rotation: MasterKeyRotation
    create_maintenance_client: Callable[[], DynamoDBClient]
    """Creates the client of DynamoDB for long work, which waits longer for each response."""

    def open_table(self, seconds: float = OPERATION_TIMEOUT_S) -> Table:
        """Return the table for an operation that may take ``seconds``."""
        return open_table(self.dynamodb_client, self.settings, runtime.create_deadline(seconds))

    def build_administration(self, seconds: float = OPERATION_TIMEOUT_S) -> Administration:
        """Return the services for an operation that may take ``seconds``."""
        from scim.wiring.administration import Administration

        return Administration(
            self.open_table(seconds), lambda: build_resource_store_config(self.settings), self.token_store, self.actor
        )

    def build_maintenance(self, percent: float = DEFAULT_RATE_PERCENT) -> Maintenance:
        """Return the services for long work, which may consume a share of a partition's capacity."""
        from scim.wiring.maintenance import Maintenance

        client = self.create_maintenance_client()
        return Maintenance(self.settings, client, self.token_store, self.actor, percent)

    def build_token_rotation(self) -> TokenRotation:
        """Return the use case of one step of a rotation by Secrets Manager."""
        from scim.auth.token_rotation import TokenRotation
        from scim.wiring.tenants import build_tenant_service

        return TokenRotation(build_tenant_service(self.open_table(), self.token_store, self.actor), self.token_store)


def build_operator_adapters(
    settings: Settings, actor: str, create_client: Callable[[str, ClientConfig], Any] | None = None
) -> OperatorAdapters:
    """Create the adapters. ``actor`` is the actor in the audit events.

    ``create_client`` returns a client of a service, which raises the errors of :mod:`scim.aws.errors`. By default, it
    is a client of boto3's default session.
    """
    from scim.auth.master_key.rotation import MasterKeyRotation

    create_client = create_client or _create_boto3_client
    secrets_client = create_client("secretsmanager", OPERATOR_SECRETS_CONFIG)
    master_key = MasterKey(secrets_client, settings.master_key_secret, runtime.current_time, _raise_fault)
    return OperatorAdapters(
        settings,
        actor,
        create_client("dynamodb", DYNAMODB_CONFIG),
        SecretsManagerTokenStore(secrets_client, settings.secret_prefix, master_key),
        MasterKeyRotation(secrets_client, settings.master_key_secret, runtime.current_time),
        lambda: create_client("dynamodb", MAINTENANCE_CONFIG),
    )


def _create_boto3_client(service: str, config: ClientConfig) -> Any:
    import boto3  # imported here, so that neither functions of the API nor commands import it

    from scim.aws.botocore_client import BotocoreClient, build_botocore_config

    return BotocoreClient(boto3.client(service, config=build_botocore_config(config)))


def _raise_fault(fault: Exception) -> None:
    """Raise the fault, so that an operator's command fails. A command has no log for faults."""
    raise fault
