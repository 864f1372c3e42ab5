"""Schedules of functions in the local run."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.schedule import Schedule, invoke_on_schedule, parse_schedule
from local.errors import LocalRunError


@pytest.mark.parametrize(
    ("expression", "period"), [("rate(5 minutes)", 300), ("rate(1 hour)", 3_600), ("rate(2 days)", 172_800)]
)
def test_rate_is_period(expression: str, period: int) -> None:
    assert parse_schedule(expression) == Schedule(period)


def test_other_expression_is_error() -> None:
    with pytest.raises(LocalRunError, match="not cron"):
        parse_schedule("cron(0 10 * * ? *)")


def test_failed_invocation_does_not_end_schedule() -> None:
    events: list[Mapping[str, Any]] = []
    pauses: list[float] = []

    async def invoke(event: Mapping[str, Any]) -> None:
        events.append(event)
        raise FunctionError("broken")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(invoke_on_schedule(Schedule(300), invoke, sleep))
    assert [event["source"] for event in events] == ["aws.events"] * 3
    assert pauses == [300, 300, 300]
