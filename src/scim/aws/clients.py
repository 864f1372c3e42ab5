"""Clients of AWS's services that a snapshot of SnapStart can hold: without credentials, without an open connection.

botocore itself makes them, since importing boto3 brings the transfer manager of S3 along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader
from botocore.session import Session

DYNAMODB_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,  # with the connection scim.service.deadline.CALL_S
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=16,
    parameter_validation=False,
)

SECRETS_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False
)

# Whoever administers tenants has more time than a request; every call can be repeated.
OPERATOR_SECRETS_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)

EVENTS_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,  # with the connection scim.service.deadline.CALL_S
    retries={"mode": "standard", "total_max_attempts": 1},
)


class LateCredentials(Credentials):
    """Credentials that are looked for when a request is signed.

    botocore looks for them when it makes a client. With SnapStart it would then fetch them over HTTP, from
    ``AWS_CONTAINER_CREDENTIALS_FULL_URI``, and they would be in the snapshot.
    """

    def __init__(self, load: Callable[[], Credentials | None]) -> None:
        self.method = "late"
        self._load = load

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        found = self._load()
        if found is None:
            raise NoCredentialsError
        return found.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Callable[[], Any]:
        return lambda: getattr(self._load(), property_name, None)


class LateSession(Session):
    def get_credentials(self) -> Credentials:
        return LateCredentials(super().get_credentials)


class KnownServices(Loader):
    """Loads the models of the services that are used here.

    botocore looks through the directories of all services, four hundred, before it loads one of them.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # all of them have all types
        return ["dynamodb", "events", "secretsmanager", "sqs"]


def client(service: str, config: Config) -> Any:
    """A client of ``service`` in the region and with the credentials of the environment."""
    return _session().create_client(service, config=config)


@cache
def _session() -> LateSession:
    """One for all clients, which then have what it reads of AWS's endpoints in common."""
    session = LateSession()
    session.register_component("data_loader", KnownServices())
    return session
