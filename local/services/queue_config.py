"""The configuration of a queue, read from ``template.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.constants import ACCOUNT, REGION
from local.validation.sqs import MAX_BYTES


@dataclass(frozen=True)
class QueueConfig:
    """A standard queue. Times are in seconds, sizes in bytes; the defaults are those of AWS::SQS::Queue."""

    name: str
    visibility_timeout: float = 30
    retention: float = 345_600
    max_bytes: int = MAX_BYTES
    delay: float = 0
    wait: float = 0
    dead_letter_queue: str | None = None
    max_receives: int = 10

    @property
    def arn(self) -> str:
        """The ARN of the queue."""
        return build_queue_arn(self.name)


def build_queue_arn(name: str) -> str:
    """Return the ARN of a local queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def parse_queue(name: str, properties: Mapping[str, Any], dead_letter_queue: str | None) -> QueueConfig:
    """Return the queue that a resource of type ``AWS::SQS::Queue`` describes."""
    return QueueConfig(
        name,
        visibility_timeout=properties.get("VisibilityTimeout", QueueConfig.visibility_timeout),
        retention=properties.get("MessageRetentionPeriod", QueueConfig.retention),
        max_bytes=properties.get("MaximumMessageSize", QueueConfig.max_bytes),
        delay=properties.get("DelaySeconds", QueueConfig.delay),
        wait=properties.get("ReceiveMessageWaitTimeSeconds", QueueConfig.wait),
        dead_letter_queue=dead_letter_queue,
        max_receives=int(properties.get("RedrivePolicy", {}).get("maxReceiveCount", QueueConfig.max_receives)),
    )
