"""Lambda entry point of the links queue: update the links that a change of a user may affect.

The response is a partial batch response. The event source mapping in ``template.yaml`` enables it (AWS Lambda developer
guide, "Handling errors for an SQS event source in Lambda").
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.error_logging import describe_fault
from scim.service.deadline import Deadline
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.events import build_link_processor_factory

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.events.link_processor import LinkBatchResult, LinkProcessor


class LinksHandler:
    """The Lambda handler of the links queue.

    It calls ``create_processor_factory`` for the first batch, and reuses the result for the following ones.
    """

    def __init__(self, create_processor_factory: Callable[[], Callable[[Deadline], LinkProcessor]]) -> None:
        self._create_processor_factory = create_processor_factory
        self._logger = Logger(use_rfc3339=True)  # Lambda filters by log level only if the timestamp is RFC 3339

    @cached_property
    def _processor_factory(self) -> Callable[[Deadline], LinkProcessor]:
        return self._create_processor_factory()

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Process a batch of messages, and return the ids of those that SQS must deliver again."""
        started = time.monotonic()
        messages = event["Records"]
        deadline = runtime.create_deadline(context.get_remaining_time_in_millis() / 1_000)
        result = self._processor_factory(deadline).process(messages)
        self._log(len(messages), result, started)
        return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in result.failed_messages]}

    def _log(self, messages: int, result: LinkBatchResult, started: float) -> None:
        for message in result.failed_messages:
            self._logger.error("fault", message_id=message.message_id, **describe_fault(message.cause))
        log = self._logger.warning if result.failed_messages or result.dead_letter_count else self._logger.info
        log(
            "links",
            messages=messages,
            linked=result.links_written,
            follow_up_tasks=result.follow_up_count,
            dead_letters=result.dead_letter_count,
            retries=len(result.failed_messages),
            ms=round((time.monotonic() - started) * 1_000, 1),
        )


handler = LinksHandler(lambda: build_link_processor_factory(Settings.from_environment(os.environ)))
