"""A minimal function with the packages of Muster, as a lower bound for cold starts.

It has clients for DynamoDB and Secrets Manager, the resolver, Logger and Metrics of powertools, and six pydantic
models. It makes the AWS calls in its event, and returns a user.
"""

from contextlib import suppress
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError
from pydantic import BaseModel


class Name(BaseModel):
    formatted: str | None = None
    givenName: str | None = None  # noqa: N815  # SCIM's spelling
    familyName: str | None = None  # noqa: N815


class Email(BaseModel):
    value: str
    type: str | None = None
    primary: bool = False


class User(BaseModel):
    schemas: list[str]
    userName: str  # noqa: N815
    name: Name | None = None
    emails: list[Email] = []
    active: bool = True


class Operation(BaseModel):
    op: str
    path: str | None = None
    value: Any = None


class PatchOp(BaseModel):
    schemas: list[str]
    Operations: list[Operation]


class Settings(BaseModel):
    table_name: str
    secret_prefix: str


logger = Logger()
metrics = Metrics()
app = APIGatewayHttpResolver()
clients: dict[str, Any] = {name: boto3.client(name) for name in ("dynamodb", "secretsmanager")}


@app.get(".*")
def get_user() -> dict[str, Any]:
    Settings(table_name="muster", secret_prefix="muster/")  # noqa: S106  # a name
    for service, method, arguments in app.current_event["calls"]:
        with suppress(ClientError):  # the measured function may already have written the item
            getattr(clients[service], method)(**arguments)
    metrics.add_metric("requests", MetricUnit.Count, 1)
    logger.info("request")
    return User(schemas=[], userName="floor").model_dump()


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
