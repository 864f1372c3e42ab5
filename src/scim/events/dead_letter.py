"""The queue of the records that no event can be made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.dynamo import NO_ANSWER, is_in_doubt, is_throttled

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class PoisonQueue:
    def __init__(self, client: SQSClient, url: str, deadline: Deadline) -> None:
        self._client = client
        self._url = url
        self._deadline = deadline

    def send(self, record: Mapping[str, Any], reason: str) -> bool:
        """Lay a record aside, whole; false if the time is up. Raises what the SDK does where that would last."""
        body = json.dumps({"reason": reason, "record": record}, ensure_ascii=False)
        attempt = 0
        try:
            self._deadline.check()
            while not self._is_sent(body):
                self._deadline.pause(attempt)
                attempt += 1
        except Unavailable:  # the time is up
            return False
        return True

    def _is_sent(self, body: str) -> bool:
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body)
        except (ClientError, *NO_ANSWER) as error:
            if not (is_in_doubt(error) or is_throttled(error)):
                raise
            return False
        return True
