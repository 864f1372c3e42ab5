"""Build the health check of all customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from scim.alerting.alert_settings import AlertSettings
from scim.alerting.sns_topic import SnsTopic
from scim.alerting.webhook import build_webhook
from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.auth.secret_reader import read_secret
from scim.aws import clients
from scim.aws.config import ALERT_CONFIG, OPERATOR_SECRETS_CONFIG
from scim.aws.staging_labels import AWSCURRENT
from scim.service.console.invitations import build_console_url
from scim.service.monitoring.alert_sender import AlertSender
from scim.service.monitoring.health_check import HealthCheck
from scim.service.tenants.overview import OVERVIEW_TIMEOUT_S, read_newest_change_time
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.monitoring.health_store import DynamoDBHealthStore
from scim.store.monitoring.problem_store import DynamoDBProblemStore
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.dynamodb import create_client, open_table, resolve_indexed_attributes

if TYPE_CHECKING:
    from scim.protocol.filter.ast import AttributePath
    from scim.service.deadline import Deadline
    from scim.service.model.tenant import Tenant
    from scim.service.model.token import TokenUsage
    from scim.service.monitoring.ports import AlertChannel
    from scim.settings import Settings
    from scim.store.table import Table


@dataclass(frozen=True, slots=True)
class DynamoDBTenantDetails:
    """What the health check reads of a tenant with failures, within the time for one tenant."""

    table: Table
    tenant: Tenant
    indexed: Mapping[str, AttributePath]

    @property
    def problem_store(self) -> DynamoDBProblemStore:
        """The failures and the users of the tenant."""
        resource_type = self.tenant.resource_types[0]
        return DynamoDBProblemStore(
            self.table, self.tenant.id, resource_type, self.indexed, runtime.current_time, self.tenant.provider
        )

    def get_last_token_usage(self) -> TokenUsage | None:
        """Return the usage of the token that was used last, ``None`` if no token was ever used."""
        return DynamoDBTenantStore(self.table, runtime.new_id).get_last_token_usage(self.tenant.id)

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count at most ``limit`` changes. Return the number, and whether there may be more."""
        return self._log_store.count_changes(first_day, last_day, limit)

    def read_newest_change_time(self) -> str:
        """Return when a client changed a user last (RFC 3339 in UTC), empty for never."""
        return read_newest_change_time(self._log_store)

    @property
    def _log_store(self) -> DynamoDBAuditLogStore:
        return DynamoDBAuditLogStore(self.table, self.tenant.id, runtime.current_time)


def build_health_check_factory(
    settings: Settings, report_fault: Callable[[Exception], None]
) -> Callable[[Deadline], HealthCheck]:
    """Return a function that builds the health check for one run. Raise ``ValueError`` if the settings lack the secret.

    ``report_fault`` receives the errors of single customers and of channels.
    """
    if not settings.alert_secret:
        raise ValueError("The health check needs ALERT_SECRET.")
    client, indexed = create_client(), resolve_indexed_attributes(settings)

    def build_health_check(deadline: Deadline) -> HealthCheck:
        table = open_table(client, settings, deadline)
        store = DynamoDBHealthStore(table)
        alert_settings = _read_alert_settings(settings.alert_secret)
        channels = list(_yield_channels(alert_settings))
        sender = AlertSender(
            store, channels, build_console_url(alert_settings.scim_url or settings.public_url), report_fault
        )

        def open_details(tenant: Tenant) -> DynamoDBTenantDetails:
            limited = table.with_deadline(deadline.with_limit(OVERVIEW_TIMEOUT_S))
            return DynamoDBTenantDetails(limited, tenant, indexed)

        return HealthCheck(store, open_details, sender, deadline, runtime.current_time, report_fault)

    return build_health_check


def _read_alert_settings(secret_id: str) -> AlertSettings:
    """Return the settings in the secret. Raise :class:`MalformedSecret` if it was edited and cannot be used."""
    try:
        return AlertSettings.model_validate_json(_read_text(secret_id))
    except ValidationError as error:
        raise MalformedSecret(
            f"The settings of alerts in the secret {secret_id} cannot be used (wrong: {list_wrong_fields(error)}). "
            "Deploy the stack again with the parameters AlarmTopic, AlarmEmail and AlertWebhookSecretArn."
        ) from None


def _yield_channels(settings: AlertSettings) -> Iterator[AlertChannel]:
    """Yield the channels of the settings."""
    if settings.topics:
        client = clients.create_client("sns", ALERT_CONFIG)
        yield from (SnsTopic(client, topic) for topic in settings.topics)
    if settings.webhook_secret_arn:
        yield build_webhook(lambda: _read_text(settings.webhook_secret_arn).strip(), runtime.sleep)


def _read_text(secret_id: str) -> str:
    """Return the text of a secret, empty for a binary one. Raise :class:`scim.aws.errors.AwsError`."""
    client = clients.create_client("secretsmanager", OPERATOR_SECRETS_CONFIG)
    return read_secret(client, secret_id, VersionStage=AWSCURRENT).get("SecretString", "")
