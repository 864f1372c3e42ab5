"""Functions run as on Lambda: in execution environments with their own variables, one event at a time."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws_lambda.function import MAX_ENVIRONMENTS, HandlerError, LambdaFunction, start_functions
from local.aws_lambda.invocation import FunctionError
from local.errors import LocalRunError
from local.template import FunctionSpec

HANDLERS = """
import os, time

def echo(event, context):
    print("printed by the handler")
    return {"event": event, "pid": os.getpid(), "environment": dict(os.environ)}

def describe_context(event, context):
    return {
        "function_name": context.function_name,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "invoked_function_arn": context.invoked_function_arn,
        "aws_request_id": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
    }

def raising(event, context):
    if event["raise"]:
        raise ValueError("a defect")
    return os.getpid()

def sleeping(event, context):
    time.sleep(event["seconds"])
    return os.getpid()

def dying(event, context):
    os._exit(1) if event["die"] else None
    return os.getpid()

def large(event, context):
    return "x" * event["size"]

def writing(event, context):
    from botocore.exceptions import ClientError
    from botocore.session import Session
    access = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = Session().create_client("dynamodb", endpoint_url="http://127.0.0.1:9", **access)
    try:
        client.put_item(TableName="t", Item=event)
    except ClientError as error:
        return error.response["Error"]["Code"]

def unserialisable(event, context):
    return object()
"""


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., FunctionSpec]:
    (tmp_path / "code.py").write_text(HANDLERS)

    def spec(handler: str, timeout: int = 20) -> FunctionSpec:
        return FunctionSpec("Echo", handler, tmp_path, timeout, 256, {"TABLE_NAME": "muster"}, ())

    return spec


def run_scenario(spec: FunctionSpec, scenario: Callable[[LambdaFunction], Awaitable[Any]]) -> Any:
    """Start a function and run a scenario with it."""

    async def run() -> Any:
        async with start_functions([spec], spec.code / "log") as functions:
            return await scenario(functions[spec.name])

    return asyncio.run(run())


def test_handler_gets_event_and_returns_result(spec: Callable[..., FunctionSpec]) -> None:
    result = run_scenario(spec("code.echo"), lambda function: function.invoke({"body": "zoë \U0001f600"}))
    assert result["event"] == {"body": "zoë \U0001f600"}


def test_environment_excludes_user_variables(
    spec: Callable[..., FunctionSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "the-users-own")
    environment = run_scenario(spec("code.echo"), lambda function: function.invoke({}))["environment"]
    assert environment["TABLE_NAME"] == "muster"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Echo"
    assert "AWS_PROFILE" not in environment


def test_context_has_lambda_attributes(spec: Callable[..., FunctionSpec]) -> None:
    context = run_scenario(spec("code.describe_context", timeout=7), lambda function: function.invoke({}))
    assert 6_000 < context.pop("remaining") <= 7_000
    assert len(context.pop("aws_request_id")) == 36
    assert context == {
        "function_name": "Echo",
        "memory_limit_in_mb": "256",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:Echo",
    }


def test_output_of_handler_is_logged(spec: Callable[..., FunctionSpec]) -> None:
    echo = spec("code.echo")
    run_scenario(echo, lambda function: function.invoke({}))
    assert (echo.code / "log").read_text() == "printed by the handler\n"


def test_exception_keeps_environment(
    spec: Callable[..., FunctionSpec],
) -> None:
    async def scenario(function: LambdaFunction) -> tuple[object, object]:
        before = await function.invoke({"raise": False})
        with pytest.raises(HandlerError, match="ValueError: a defect"):
            await function.invoke({"raise": True})
        return before, await function.invoke({"raise": False})

    raising = spec("code.raising")
    before, after = run_scenario(raising, scenario)
    assert before == after
    assert "Traceback" in (raising.code / "log").read_text()


def test_function_gets_dynamodb_validation_error(spec: Callable[..., FunctionSpec]) -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": ""}}
    assert run_scenario(spec("code.writing"), lambda function: function.invoke(item)) == "ValidationException"


@pytest.mark.parametrize("handler", ["code.unserialisable", "code.large"])
def test_invalid_result_fails_invocation(handler: str, spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(FunctionError):
            await function.invoke({"size": 6 * 1024 * 1024})

    run_scenario(spec(handler), scenario)


def test_result_of_6_mb_is_returned(spec: Callable[..., FunctionSpec]) -> None:
    size = 6 * 1024 * 1024 - 2
    assert len(run_scenario(spec("code.large"), lambda function: function.invoke({"size": size}))) == size


def test_dead_environment_is_replaced(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> tuple[object, object]:
        before = await function.invoke({"die": False})
        with pytest.raises(FunctionError):
            await function.invoke({"die": True})
        return before, await function.invoke({"die": False})

    before, after = run_scenario(spec("code.dying"), scenario)
    assert before != after


def test_environment_killed_while_idle_is_replaced(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> object:
        os.kill((await function.invoke({}))["pid"], signal.SIGKILL)  # type: ignore[index]  # the handler returns an object
        await asyncio.sleep(0.1)
        return await function.invoke({"again": True})

    assert run_scenario(spec("code.echo"), scenario)["event"] == {"again": True}


def test_timeout_ends_environment(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> object:
        with pytest.raises(FunctionError, match="timed out"):
            await function.invoke({"seconds": 60})
        return await function.invoke({"seconds": 0})

    assert run_scenario(spec("code.sleeping", timeout=1), scenario)


def test_concurrent_events_use_different_environments(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> list[object]:
        return await asyncio.gather(*(function.invoke({"seconds": 0.5}) for _ in range(MAX_ENVIRONMENTS)))

    assert len(set(run_scenario(spec("code.sleeping"), scenario))) == MAX_ENVIRONMENTS


def test_sequential_events_use_one_environment(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> set[object]:
        return {await function.invoke({"seconds": 0}) for _ in range(5)}

    assert len(run_scenario(spec("code.sleeping"), scenario)) == 1


def test_invocation_waits_for_free_environment(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(function: LambdaFunction) -> list[object]:
        return await asyncio.gather(*(function.invoke({"seconds": 0.05}) for _ in range(3 * MAX_ENVIRONMENTS)))

    assert len(set(run_scenario(spec("code.sleeping"), scenario))) == MAX_ENVIRONMENTS


@pytest.mark.parametrize("handler", ["missing.handler", "code.missing"])
def test_handler_that_cannot_be_imported_is_error(handler: str, spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(_: LambdaFunction) -> None: ...

    with pytest.raises(LocalRunError, match=f"Echo: {handler} does not start: .*missing"):
        run_scenario(spec(handler), scenario)


def test_environments_stop_with_function(spec: Callable[..., FunctionSpec]) -> None:
    pid = run_scenario(spec("code.sleeping"), lambda function: function.invoke({"seconds": 0}))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
