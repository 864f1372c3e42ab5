"""Lambda entry point for the table's stream: new change records become events, and link those who refer to somebody.

Answers with a partial batch response, as the mapping in ``template.yaml`` asks for (AWS Lambda developer guide,
"Configuring partial batch response with DynamoDB and Lambda").
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from scim import wiring
from scim.service.deadline import Deadline
from scim.settings import Settings
from scim.store.dynamo import error_code

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.events.relay import Relay


class Failed(Exception):
    """A call to AWS failed in a way that lasts: Lambda is to try a smaller batch, and to give up in the end."""


class Changes:
    """A Lambda handler. ``connect`` is called for the first batch; what it makes lives as long as the environment."""

    def __init__(self, connect: Callable[[], Callable[[Deadline], Relay]]) -> None:
        self._connect = connect
        self._logger = Logger(use_rfc3339=True)  # Lambda reads the level of a line only beside such a time

    @cached_property
    def _relay(self) -> Callable[[Deadline], Relay]:
        return self._connect()

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        started = time.monotonic()
        records = event["Records"]
        deadline = wiring.deadline(context.get_remaining_time_in_millis() / 1_000)
        try:
            outcome = self._relay(deadline)(records)
        except ClientError as fault:  # its message may hold what was sent, and Lambda would log it
            raise Failed(f"{fault.operation_name}: {error_code(fault)}") from None
        again = [] if outcome.checkpoint is None else [records[outcome.checkpoint]["dynamodb"]["SequenceNumber"]]
        elapsed = round((time.monotonic() - started) * 1_000, 1)
        log = self._logger.warning if again or outcome.poison else self._logger.info
        log(
            "changes",
            records=len(records),
            published=outcome.published,
            linked=outcome.linked,
            poison=outcome.poison,
            again=len(records) - outcome.checkpoint if outcome.checkpoint is not None else 0,
            ms=elapsed,
        )
        return {"batchItemFailures": [{"itemIdentifier": number} for number in again]}


handler = Changes(lambda: wiring.publishing(Settings.from_environment(os.environ)))
