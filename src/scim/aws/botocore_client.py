"""Clients of botocore that raise the errors of :mod:`scim.aws.errors`.

They do not use boto3, because importing it takes longer: it also imports the transfer manager of S3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.loaders import Loader
from botocore.session import Session

from scim.aws.config import ClientConfig
from scim.aws.errors import AwsError, CallNotSent, ErrorResponse, NoResponse
from scim.aws.response_damage import find_damage

if TYPE_CHECKING:
    from botocore.model import OperationModel

_MAX_CONNECTIONS = 16


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
        return ["codedeploy", "dynamodb", "events", "lambda", "secretsmanager", "sns", "sqs"]


class DamagedResponse(HTTPClientError):
    """A response is not what AWS sent. AWS may have executed the call."""

    fmt = "The response is damaged: {error}."


class BotocoreClient:
    """Calls the methods of a client of botocore or boto3, such as ``get_item``, and converts its exceptions.

    It also rejects damaged responses, which botocore would take for empty ones.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        client.meta.events.register("before-parse", _reject_damaged_response, unique_id=_reject_damaged_response)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of the client that raises :class:`AwsError` if the call fails."""
        call = getattr(self._client, name)
        operation = "".join(word.title() for word in name.split("_"))

        def call_and_convert(**arguments: Any) -> Any:
            try:
                return call(**arguments)
            except (ClientError, BotoCoreError) as error:
                raise convert_error(error, operation) from error

        return call_and_convert


def create_botocore_client(service: str, config: ClientConfig) -> Any:
    """Return a client of ``service``, with the region and the credentials of the environment."""
    return BotocoreClient(_get_session().create_client(service, config=build_botocore_config(config)))


def build_botocore_config(config: ClientConfig) -> Config:
    """Return the configuration of a client of botocore."""
    return Config(
        connect_timeout=config.connect_timeout_s,
        read_timeout=config.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": config.max_attempts},
        max_pool_connections=_MAX_CONNECTIONS,
        parameter_validation=False,
    )


def _reject_damaged_response(operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raise :class:`DamagedResponse` if a response is not what AWS sent. botocore calls this before it parses one."""
    if operation_model.service_model.resolved_protocol != "json":
        return
    body, output = response_dict["body"], operation_model.output_shape
    if not body and (output is None or not output.members):
        return  # the operation has no result
    if damage := find_damage(response_dict["status_code"], response_dict["headers"], body):
        raise DamagedResponse(error=damage)


def convert_error(error: ClientError | BotoCoreError, operation: str) -> AwsError:
    """Return the error of :mod:`scim.aws.errors` for an exception of botocore."""
    if isinstance(error, ClientError):
        response: Any = error.response
        return ErrorResponse(
            operation,
            str(response["Error"]["Code"]),
            str(response["Error"].get("Message", "")),
            status=response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
            cancellation_reasons=response.get("CancellationReasons", ()),
            item=response.get("Item"),
        )
    is_unanswered = isinstance(error, (BotocoreConnectionError, HTTPClientError))
    return (NoResponse if is_unanswered else CallNotSent)(operation, type(error).__name__, str(error))


@cache
def _get_session() -> LazySession:
    """Return the session that all clients share, so that the list of AWS endpoints is loaded once."""
    session = LazySession()
    session.register_component("data_loader", UsedServicesLoader())
    return session
