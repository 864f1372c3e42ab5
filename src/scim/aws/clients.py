"""Create clients of AWS services that can be part of a SnapStart snapshot: without credentials or open connections.

They use botocore, because importing boto3 takes longer: it also imports the transfer manager of S3.
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
    read_timeout=2,  # both timeouts together are scim.service.deadline.CALL_TIMEOUT_S
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=16,
    parameter_validation=False,
)

# Long work has no deadline, and each of its calls may read 1 MB.
MAINTENANCE_CONFIG = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=16,
    parameter_validation=False,
)

SECRETS_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False
)

# A command of an operator has more time than a request, and each of its calls can be repeated.
OPERATOR_SECRETS_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)

EVENTS_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,  # both timeouts together are scim.service.deadline.CALL_TIMEOUT_S
    retries={"mode": "standard", "total_max_attempts": 1},
)


# The pre-traffic hook waits until a new version has started and responded. It does not send an event twice.
INVOKE_CONFIG = Config(connect_timeout=2, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1})

CODEDEPLOY_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 5})


class LazyCredentials(Credentials):
    """Credentials that are loaded when a request is signed, not when a client is created.

    With SnapStart, botocore would load them before the snapshot is taken: over HTTP from
    ``AWS_CONTAINER_CREDENTIALS_FULL_URI``. Then the snapshot would contain them.
    """

    def __init__(self, load: Callable[[], Credentials | None]) -> None:
        self.method = "late"
        self._load = load

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Load the credentials, and return them. Raise ``NoCredentialsError`` if there are none."""
        credentials = self._load()
        if credentials is None:
            raise NoCredentialsError
        return credentials.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Callable[[], Any]:
        """Return a function that loads the credentials and returns one of their properties."""
        return lambda: getattr(self._load(), property_name, None)


class LazySession(Session):
    """A session whose clients load their credentials when they sign a request."""

    def get_credentials(self) -> Credentials:
        """Return credentials that are loaded when a request is signed."""
        return LazyCredentials(super().get_credentials)


class UsedServicesLoader(Loader):
    """Loads the models of AWS services. It knows only the services that Muster uses.

    botocore's loader lists the directories of about four hundred services before it loads one of them.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # each has all types
        """Return the names of the services that Muster uses."""
        return ["codedeploy", "dynamodb", "events", "lambda", "secretsmanager", "sqs"]


def create_client(service: str, config: Config) -> Any:
    """Return a client of ``service``, with the region and the credentials of the environment."""
    return _get_session().create_client(service, config=config)


@cache
def _get_session() -> LazySession:
    """Return the session that all clients share, so that the list of AWS endpoints is loaded once."""
    session = LazySession()
    session.register_component("data_loader", UsedServicesLoader())
    return session
