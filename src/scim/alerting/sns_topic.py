"""Send alerts to an SNS topic, which sends mail to its subscribers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.aws.errors import AwsError
from scim.service.monitoring.ports import AlertNotSent


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """The channel of a topic. ``client`` is a client of SNS, and ``arn`` the ARN of the topic."""

    client: Any
    arn: str

    @property
    def name(self) -> str:
        """The name in health records."""
        return self.arn

    def send(self, subject: str, text: str, _: Mapping[str, object]) -> None:
        """Publish a message. Raise :class:`AlertNotSent` if SNS does not accept it."""
        try:
            self.client.publish(TopicArn=self.arn, Subject=subject, Message=text)
        except AwsError as error:
            raise AlertNotSent(f"SNS has not accepted the message: {error.code}") from error
