"""Lambda entry point of the scheduled health check of all customers (:mod:`scim.service.monitoring.health_check`)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.error_logging import describe_fault
from scim.service.deadline import Deadline
from scim.service.monitoring.ports import AlertNotSent
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.health import build_health_check_factory

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.service.monitoring.health_check import HealthCheck, HealthCheckResult


class HealthHandler:
    """The Lambda handler of the schedule. It reads the environment at the first invocation."""

    def __init__(self) -> None:
        self._logger = Logger(use_rfc3339=True)  # Lambda filters by log level only if the timestamp is RFC 3339

    @cached_property
    def _build_health_check(self) -> Callable[[Deadline], HealthCheck]:
        return build_health_check_factory(Settings.from_environment(os.environ), self._report_fault)

    def __call__(self, _: Mapping[str, Any], context: LambdaContext) -> None:
        """Check the customers, and send alerts. If it raises an error, Lambda invokes it again."""
        started = time.monotonic()
        deadline = runtime.create_deadline(context.get_remaining_time_in_millis() / 1_000)
        self._log(self._build_health_check(deadline).run(), started)

    def _report_fault(self, fault: Exception) -> None:
        cause = fault.__cause__ if isinstance(fault.__cause__, Exception) else fault
        reason: dict[str, Any] = {"reason": str(fault)} if isinstance(fault, AlertNotSent) else {}
        self._logger.error("fault", **describe_fault(cause), **reason)

    def _log(self, result: HealthCheckResult, started: float) -> None:
        log = self._logger.warning if result.unreadable or result.unsent else self._logger.info
        log(
            "health",
            checked=result.checked,
            bad=result.bad,
            unreadable=result.unreadable,
            unchecked=result.unchecked,
            alerts=result.alerts,
            sent=result.sent,
            unsent=result.unsent,
            position=result.position,
            ms=round((time.monotonic() - started) * 1_000, 1),
        )


handler = HealthHandler()
