"""Where a command works: the local run, or a stack in the user's AWS account."""

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cli.event_services import EventServices
from local import run_state
from scim.service.audit.log import AuditLog
from scim.service.tenants.overview import TenantOverview
from scim.service.tenants.tenants import Tenants
from scim.settings import Settings
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring.operator import Operator, build_operator

_LONG_S = 900.0


class StackNotFound(Exception):
    """There is no such stack, or it is none of ours."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """An endpoint, and whoever administers it."""

    scim_url: str
    operator: Operator
    events: Callable[[], EventServices]
    """Returns the queues and the function of events. Raises :class:`NoStack` where the stack lacks such an output."""

    @property
    def tenants(self) -> Tenants:
        """The use cases, for one operation."""
        return self.operator.administration().tenants

    @property
    def store(self) -> DynamoDBTenantStore:
        """The table, for a long read."""
        return self.operator.administration(_LONG_S).tenant_store

    def log(self, tenant: str) -> AuditLog | None:
        """The log of a tenant, for a long read; ``None`` for no such tenant."""
        return self.operator.administration(_LONG_S).find_audit_log(tenant)

    def overview(self, tenant: str) -> TenantOverview | None:
        """Return the overview of one tenant of a list, within the time that such a one has; ``None`` for no tenant."""
        return self.operator.administration().load_list_overview(tenant)


def connect_local_run(data: Path) -> Deployment:
    """The local run that keeps its data there. Raises :class:`local.errors.LocalRunError` if it doesn't run."""
    variables = run_state.read_variables(data)
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    endpoints = {
        "dynamodb": variables["AWS_ENDPOINT_URL_DYNAMODB"],
        "secretsmanager": variables["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
        "sqs": variables["AWS_ENDPOINT_URL_SQS"],
        "lambda": variables["AWS_ENDPOINT_URL_LAMBDA"],
    }
    settings = Settings.from_environment(variables)
    named = {
        "DeadLetterQueueUrl": settings.dead_letter_queue_url,
        "LinksQueueUrl": settings.links_queue_url,
        "LinksDeadLetterQueueUrl": settings.links_dead_letter_queue_url,
        "ChangesFunctionName": "ChangesFunction",
        "TableName": settings.table_name,
    }
    operator = build_operator(settings, f"local:{getpass.getuser()}", session, endpoints)
    return Deployment(settings.public_url, operator, lambda: EventServices.connect(session, named, endpoints))


def connect_stack(
    name: str, profile: str | None, region: str | None, new_session: Callable[..., Any] = boto3.Session
) -> Deployment:
    """A deployed stack, with the user's credentials, whose ARN stands in the records. Raises :class:`NoStack`."""
    session = new_session(profile_name=profile, region_name=region)
    outputs = _read_outputs(session.client("cloudformation"), name)
    try:
        settings = Settings.from_environment(
            {
                "TABLE_NAME": outputs["TableName"],
                "SECRET_PREFIX": outputs["SecretPrefix"],
                "MASTER_KEY_SECRET": outputs["MasterKeySecret"],
                "INDEXED_ATTRIBUTES": outputs["IndexedAttributes"],
            }
        )
        scim_url = outputs["ScimUrl"]
    except KeyError as missing:
        raise _missing_output(name, missing) from None
    actor = session.client("sts").get_caller_identity()["Arn"]

    def events() -> EventServices:
        try:
            return EventServices.connect(session, outputs)
        except KeyError as missing:
            raise _missing_output(name, missing) from None

    return Deployment(scim_url, build_operator(settings, actor, session), events)


def _missing_output(name: str, output: KeyError) -> StackNotFound:
    return StackNotFound(f"The stack {name} has no output {output}: is it one of Muster?")


def _read_outputs(client: Any, name: str) -> dict[str, str]:
    try:
        (found,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # what CloudFormation calls a stack that is not there
            raise StackNotFound(f"There is no stack {name} in {client.meta.region_name}.") from None
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
