"""The kinds of clients of AWS, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ClientKind(StrEnum):
    """The code that calls AWS."""

    WIRE = "wire"
    """:mod:`scim.aws.wire`, for DynamoDB and Secrets Manager."""
    BOTOCORE = "botocore"
    """The SDK of AWS, for all services."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """How long a client waits, in seconds, and how many attempts it makes for each call."""

    connect_timeout_s: float
    read_timeout_s: float
    max_attempts: int = 1


# Both timeouts together are scim.service.deadline.CALL_TIMEOUT_S.
DYNAMODB_CONFIG = ClientConfig(connect_timeout_s=1, read_timeout_s=2)

# Long work has no deadline, and each of its calls may read 1 MB.
MAINTENANCE_CONFIG = ClientConfig(connect_timeout_s=2, read_timeout_s=20)

SECRETS_CONFIG = ClientConfig(connect_timeout_s=1, read_timeout_s=2)

# A command of an operator has more time than a request, and each of its calls can be repeated.
OPERATOR_SECRETS_CONFIG = ClientConfig(connect_timeout_s=2, read_timeout_s=5, max_attempts=4)

# Both timeouts together are scim.service.deadline.CALL_TIMEOUT_S.
EVENTS_CONFIG = ClientConfig(connect_timeout_s=1, read_timeout_s=2)

# Alerts are sent by a scheduled function, and each call can be repeated: at worst a message arrives twice.
ALERT_CONFIG = ClientConfig(connect_timeout_s=2, read_timeout_s=5, max_attempts=3)

# The pre-traffic hook waits until a new version has started and responded. It does not send an event twice.
INVOKE_CONFIG = ClientConfig(connect_timeout_s=2, read_timeout_s=60)

CODEDEPLOY_CONFIG = ClientConfig(connect_timeout_s=2, read_timeout_s=5, max_attempts=5)
