"""Helpers for tests of the local queues and the local event bus."""

from typing import Any

from botocore.config import Config

from local.aws_client import create_client
from local.services.messaging import Messaging


class Clock:
    """A clock that a test sets, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def create_unvalidated_client(service: str, messaging: Messaging) -> Any:
    """Return a client that sends invalid requests too."""
    return create_client(service, messaging.url, Config(parameter_validation=False))
