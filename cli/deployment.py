"""Connect to the deployment that a command administers: the local run, or a stack in the user's AWS account."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.aws_session import AwsSession, build_client_factory, create_client
from local import run_state
from scim.aws.config import DYNAMODB_CONFIG, ClientConfig
from scim.aws.errors import ErrorResponse
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import OPERATION_TIMEOUT_S, OperatorAdapters, build_operator_adapters

if TYPE_CHECKING:  # few commands need these modules
    from cli.event_services import EventServices
    from scim.events.batching import SendResult
    from scim.events.event import Event
    from scim.service.model.maintenance.certificate import RemainingCopy
    from scim.wiring.administration import Administration
    from scim.wiring.maintenance import Maintenance

PUBLISH_TIMEOUT_S = 60.0
"""The time in which the event bus must accept a batch of events."""


class StackNotFound(Exception):
    """The stack does not exist, or it is not a stack of Muster."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed endpoint, and the operator who administers it."""

    scim_url: str
    operator: OperatorAdapters
    connect_event_services: Callable[[], EventServices]
    """Return the queues and the function of events. Raise :class:`StackNotFound` if the stack has no such output."""
    connect_event_bus: Callable[[], Callable[[Sequence[Event]], SendResult]]
    """Return a function that publishes events. Raise :class:`StackNotFound` if the stack has no event bus."""
    list_remaining_copies: Callable[[float], list[RemainingCopy]]
    """Return the copies that remain after a purge. The argument is when it is finished (seconds since 1970)."""

    @property
    def console_url(self) -> str:
        """The URL of the console, which has the host of the SCIM URL."""
        parts = urlsplit(self.scim_url)
        return f"{parts.scheme}://{parts.netloc}/admin"

    def build_administration(self, seconds: float = OPERATION_TIMEOUT_S) -> Administration:
        """Return the use cases for an operation that may take ``seconds``."""
        return self.operator.build_administration(seconds)

    def build_maintenance(self, percent: float) -> Maintenance:
        """Return what long work needs. It may consume ``percent`` of the capacity of a DynamoDB partition."""
        return self.operator.build_maintenance(percent)


@dataclass(frozen=True, slots=True)
class LocalRun:
    """Access to the services of a local run.

    ``endpoints`` are their URLs by service. ``outputs`` are the outputs of a stack that the local run has.
    ``variables`` are the environment variables of its functions.
    """

    session: AwsSession
    settings: Settings
    endpoints: Mapping[str, str]
    outputs: Mapping[str, str]
    variables: Mapping[str, str]

    def create_client(self, service: str, config: ClientConfig) -> Any:
        """Return a client for commands. That of the table needs no botocore, whose import takes longer than a command.

        The wire client makes no pauses, so long work uses botocore's client, as on AWS.
        """
        if service == "dynamodb" and config is DYNAMODB_CONFIG:
            return _create_wire_client(self.variables, config)
        return build_client_factory(self.session, self.endpoints)(service, config)


def open_local_run(data: Path) -> LocalRun:
    """Return the access to the local run with this data directory.

    Raise :class:`local.errors.LocalRunError` if it is not running.
    """
    variables = run_state.read_variables(data)
    session = AwsSession(region_name=variables["AWS_REGION"])
    session.set_credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    endpoints = {
        "dynamodb": variables["AWS_ENDPOINT_URL_DYNAMODB"],
        "secretsmanager": variables["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
        "sqs": variables["AWS_ENDPOINT_URL_SQS"],
        "lambda": variables["AWS_ENDPOINT_URL_LAMBDA"],
        "events": variables["AWS_ENDPOINT_URL_EVENTBRIDGE"],
    }
    settings = Settings.from_environment(variables)
    outputs = {
        "DeadLetterQueueUrl": settings.dead_letter_queue_url,
        "LinksQueueUrl": settings.links_queue_url,
        "LinksDeadLetterQueueUrl": settings.links_dead_letter_queue_url,
        "ChangesFunctionName": "ChangesFunction",
        "TableName": settings.table_name,
        "SecretPrefix": settings.secret_prefix,
        "MasterKeySecret": settings.master_key_secret,
    }
    return LocalRun(session, settings, endpoints, outputs, variables)


def _create_wire_client(variables: Mapping[str, str], config: ClientConfig) -> Any:
    from scim.aws.wire.client import DynamoDBWireClient
    from scim.aws.wire.credentials import StaticCredentials
    from scim.aws.wire.endpoints import Service, find_endpoint

    region = variables["AWS_REGION"]
    endpoint = find_endpoint(Service.DYNAMODB, region, variables)
    return DynamoDBWireClient(Service.DYNAMODB, region, endpoint, config, StaticCredentials(variables))


def connect_local_run(data: Path) -> Deployment:
    """Connect to the local run with this data directory.

    Raise :class:`local.errors.LocalRunError` if it is not running.
    """
    run = open_local_run(data)

    def connect_event_services() -> EventServices:
        from cli.event_services import EventServices

        return EventServices.connect(run.session, run.outputs, run.endpoints)

    def list_copies(_finished: float) -> list[RemainingCopy]:
        from scim.service.model.maintenance.certificate import RemainingCopy

        return [
            RemainingCopy(str(data / "events.jsonl"), "the published events", ""),
            RemainingCopy(str(data / "secrets.journal"), "earlier tokens, which are revoked", ""),
        ]

    operator = build_operator_adapters(run.settings, f"local:{getpass.getuser()}", run.create_client)
    return Deployment(
        run.settings.public_url,
        operator,
        connect_event_services,
        lambda: _build_publisher(run.session, run.settings.event_bus_name, run.endpoints["events"]),
        list_copies,
    )


def open_session(profile: str | None, region: str | None) -> AwsSession:
    """Return a session with the user's credentials."""
    return AwsSession(profile_name=profile, region_name=region)


def connect_stack(
    name: str,
    profile: str | None,
    region: str | None,
    create_session: Callable[..., Any] = AwsSession,
    *,
    timeout_s: float | None = None,
) -> Deployment:
    """Connect to a deployed stack with the user's credentials. Raise :class:`StackNotFound` if it does not exist.

    The user's ARN is the actor in audit events. ``timeout_s`` limits each call, ``None`` for the limits of botocore.
    """
    session = create_session(profile_name=profile, region_name=region, timeout_s=timeout_s)
    stack = read_stack(session, name)
    outputs = read_pairs(stack, "Output")
    try:
        settings = Settings.from_environment(
            {
                "TABLE_NAME": outputs["TableName"],
                "SECRET_PREFIX": outputs["SecretPrefix"],
                "MASTER_KEY_SECRET": outputs["MasterKeySecret"],
                "INDEXED_ATTRIBUTES": outputs["IndexedAttributes"],
                "RESTORED_AT": outputs["RestoredAt"],
                "CHANGE_RETENTION_DAYS": outputs["ChangeRetentionDays"],
            }
        )
        scim_url = outputs["ScimUrl"]
    except KeyError as missing:
        raise _build_missing_output(name, missing) from None
    actor = create_client(session, "sts").get_caller_identity()["Arn"]

    def connect_event_services() -> EventServices:
        from cli.event_services import EventServices

        try:
            return EventServices.connect(session, outputs)
        except KeyError as missing:
            raise _build_missing_output(name, missing) from None

    def connect_event_bus() -> Callable[[Sequence[Event]], SendResult]:
        try:
            return _build_publisher(session, outputs["EventBusName"])
        except KeyError as missing:
            raise _build_missing_output(name, missing) from None

    def list_copies(finished: float) -> list[RemainingCopy]:
        from cli.remaining_copies import list_remaining_copies

        try:
            return list_remaining_copies(session, outputs, read_pairs(stack, "Parameter"), finished)
        except KeyError as missing:
            raise _build_missing_output(name, missing) from None

    operator = build_operator_adapters(settings, actor, build_client_factory(session))
    return Deployment(scim_url, operator, connect_event_services, connect_event_bus, list_copies)


def _build_publisher(session: Any, bus_name: str, url: str | None = None) -> Callable[[Sequence[Event]], SendResult]:
    """Return a function that publishes events on a bus. ``url`` is the endpoint of EventBridge, if not that of AWS."""
    from scim.events.eventbridge import EventBus

    client = create_client(session, "events", url)

    def publish(events: Sequence[Event]) -> SendResult:
        bus = EventBus(client, bus_name, runtime.create_deadline(PUBLISH_TIMEOUT_S))
        return bus.publish(dict(enumerate(events)))

    return publish


def _build_missing_output(name: str, output: KeyError) -> StackNotFound:
    return StackNotFound(f"The stack {name} has no output {output}. Is it a stack of this version of Muster?")


def read_stack(session: Any, name: str) -> Mapping[str, Any]:
    """Return the description of a stack. Raise :class:`StackNotFound` if it does not exist."""
    try:
        stacks: list[Mapping[str, Any]] = create_client(session, "cloudformation").describe_stacks(StackName=name)[
            "Stacks"
        ]
    except ErrorResponse as error:
        if error.code == "ValidationError":  # CloudFormation's code for a stack that does not exist
            region = session.client("cloudformation").meta.region_name
            raise StackNotFound(
                f"There is no stack {name} in {region}. Check --stack, --region and --profile."
            ) from None
        raise
    return stacks[0]


def read_pairs(stack: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the values of the outputs or of the parameters of a stack by name. ``kind`` is the singular."""
    return {pair[f"{kind}Key"]: pair[f"{kind}Value"] for pair in stack.get(f"{kind}s", [])}
