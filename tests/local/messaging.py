"""What the tests of the local queues and of the bus share."""

from typing import Any

import boto3
from botocore.config import Config

from local.services.messaging import Messaging


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def client(service: str, messaging: Messaging) -> Any:
    """A client that sends what a test says, without checking it first."""
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=messaging.url, config=Config(parameter_validation=False), **access)
