"""Build the adapters of the console, and the services for each request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scim.auth.cached_secret import CachedSecret
from scim.auth.console_sign_in.document_cache import DocumentCache
from scim.auth.console_sign_in.openid_settings import OpenIdSettings
from scim.auth.console_sign_in.sign_in_secrets import build_openid_settings_secret, build_password_secret
from scim.auth.master_key.master_key import MasterKey
from scim.auth.token_store import SecretsManagerTokenStore
from scim.aws import clients
from scim.aws.config import OPERATOR_SECRETS_CONFIG
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.administration import Administration
from scim.wiring.dynamodb import build_resource_store_config, create_client, open_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.auth.console_sign_in.openid_provider import OpenIdProvider
    from scim.service.deadline import Deadline
    from scim.store.resources import ResourceStoreConfig


@dataclass(frozen=True)
class ConsoleAdapters:
    """The adapters of the console, which live as long as the execution environment.

    ``password_secret`` contains the admin password. ``openid_secret`` contains the settings of the OpenID provider.
    """

    settings: Settings
    dynamodb_client: DynamoDBClient
    token_store: SecretsManagerTokenStore
    master_key: MasterKey
    password_secret: CachedSecret[str]
    openid_secret: CachedSecret[OpenIdSettings]
    openid_documents: DocumentCache = field(default_factory=lambda: DocumentCache(runtime.current_time))

    def read_openid_provider(self) -> OpenIdProvider | None:
        """Return the OpenID provider of the operators, ``None`` if they sign in with the admin password.

        Raise :class:`Unavailable` if the secret cannot be read.
        """
        settings = self.openid_secret.get()
        if not settings.issuer:
            return None
        from scim.auth.console_sign_in.openid_provider import OpenIdProvider, SignInPolicy

        domains = frozenset(map(str.lower, settings.domains))
        sign_in_policy = SignInPolicy(frozenset(settings.groups), domains, settings.groups_claim)
        return OpenIdProvider(
            settings.issuer, settings.client_id, settings.client_secret, sign_in_policy, self.openid_documents
        )

    @cached_property
    def resource_store_config(self) -> ResourceStoreConfig:
        """The configuration of resource stores. Raise ``ValueError`` for attributes that cannot be indexed."""
        return build_resource_store_config(self.settings)

    def build_administration(self, deadline: Deadline, actor: str) -> Administration:
        """Return the services for one request. ``actor`` is the actor in its audit events."""
        table = open_table(self.dynamodb_client, self.settings, deadline)
        return Administration(table, lambda: self.resource_store_config, self.token_store, actor)


def build_console_adapters(
    settings: Settings, *, password_secret: str, openid_secret: str, report_fault: Callable[[Exception], None]
) -> ConsoleAdapters:
    """Create the adapters of the console. Their clients do not load credentials or open connections yet.

    ``password_secret`` and ``openid_secret`` are names or ARNs of secrets. ``report_fault`` receives faults that do not
    fail the request.
    """
    secrets_client = clients.create_client("secretsmanager", OPERATOR_SECRETS_CONFIG)
    master_key = MasterKey(secrets_client, settings.master_key_secret, runtime.current_time, report_fault)
    return ConsoleAdapters(
        settings=settings,
        dynamodb_client=create_client(),
        token_store=SecretsManagerTokenStore(secrets_client, settings.secret_prefix, master_key),
        master_key=master_key,
        password_secret=build_password_secret(secrets_client, password_secret, runtime.current_time),
        openid_secret=build_openid_settings_secret(secrets_client, openid_secret, runtime.current_time),
    )
