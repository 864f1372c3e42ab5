"""Lambda entry point of the table's stream: publish new change records as events, and send link tasks.

The response is a partial batch response. The event source mapping in ``template.yaml`` enables it (AWS Lambda developer
guide, "Configuring partial batch response with DynamoDB and Lambda").
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.error_logging import describe_fault
from scim.aws.errors import ErrorResponse
from scim.service.deadline import Deadline
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.events import build_stream_processor_factory

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.events.stream_processor import BatchResult, LostDeadLetter, StreamProcessor


class AwsCallError(Exception):
    """A call to AWS failed, and would fail again. Lambda halves the batch and tries again."""


class ChangesHandler:
    """The Lambda handler of the table's stream.

    It calls ``create_processor_factory`` for the first batch, and reuses the result for the following ones.
    """

    def __init__(self, create_processor_factory: Callable[[], Callable[[Deadline], StreamProcessor]]) -> None:
        self._create_processor_factory = create_processor_factory
        self._logger = Logger(use_rfc3339=True)  # Lambda filters by log level only if the timestamp is RFC 3339

    @cached_property
    def _processor_factory(self) -> Callable[[Deadline], StreamProcessor]:
        return self._create_processor_factory()

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Process a batch of stream records, and return the records that Lambda must send again.

        Raise :class:`AwsCallError` if the whole batch failed.
        """
        started = time.monotonic()
        records = event["Records"]
        deadline = runtime.create_deadline(context.get_remaining_time_in_millis() / 1_000)
        try:
            result = self._processor_factory(deadline).process(records)
        except ErrorResponse as fault:  # its message may contain personal data, and Lambda would log it
            raise AwsCallError(f"{fault.operation}: {fault.code}") from None
        self._log(records, result, started)
        response: dict[str, Any] = {
            "batchItemFailures": [{"itemIdentifier": result.retry_sequence_number}] if result.retry_count else []
        }
        if event.get("isRedrive"):  # `muster redrive` deletes the dead letters that were processed
            response |= {"deadLetters": result.dead_letter_count, "lost": len(result.lost_dead_letters)}
        return response

    def _log(self, records: Sequence[Any], result: BatchResult, started: float) -> None:
        for letter in result.lost_dead_letters:
            self._log_lost(letter)
        if isinstance(result.recording_fault, ErrorResponse):  # such as a missing permission
            self._logger.error("fault", **describe_fault(result.recording_fault))
        log = (
            self._logger.warning
            if result.retry_count or result.dead_letter_count or result.lost_dead_letters or result.unrecorded_count
            else self._logger.info
        )
        log(
            "changes",
            records=len(records),
            published=result.published_count,
            link_tasks=result.link_task_count,
            dead_letters=result.dead_letter_count,
            lost=len(result.lost_dead_letters),
            retries=result.retry_count,
            unrecorded=result.unrecorded_count,
            ms=round((time.monotonic() - started) * 1_000, 1),
        )

    def _log_lost(self, letter: LostDeadLetter) -> None:
        """Log a dead letter that could not be sent to its queue, with the keys of its record in the table."""
        self._logger.error("fault", kind="LostDeadLetter", reason=letter.reason, pk=letter.partition, sk=letter.sort)


handler = ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
