"""Functions run as in Lambda: in execution environments with their own variables, one event at a time."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

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

def raise_error(event, context):
    if event["raise"]:
        raise ValueError("a defect")
    return os.getpid()

def sleep(event, context):
    time.sleep(event["seconds"])
    return os.getpid()

def end_process(event, context):
    os._exit(1) if event["die"] else None
    return os.getpid()

def return_large_result(event, context):
    return "x" * event["size"]

def put_item(event, context):
    from botocore.exceptions import ClientError
    from botocore.session import Session
    access = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = Session().create_client("dynamodb", endpoint_url="http://127.0.0.1:9", **access)
    try:
        client.put_item(TableName="t", Item=event)
    except ClientError as error:
        return error.response["Error"]["Code"]

def return_object(event, context):
    return object()
"""


BuildSpec = Callable[..., FunctionSpec]


@pytest.fixture
def build_spec(tmp_path: Path) -> BuildSpec:
    (tmp_path / "code.py").write_text(HANDLERS)

    def build_spec(handler: str, timeout: int = 20) -> FunctionSpec:
        return FunctionSpec("Echo", handler, tmp_path, timeout, 256, {"TABLE_NAME": "muster"}, ())

    return build_spec


def run_scenario(spec: FunctionSpec, scenario: Callable[[LambdaFunction], Awaitable[Any]]) -> Any:
    """Start a function and run a scenario with it."""

    async def run() -> Any:
        async with start_functions([spec], spec.code / "log") as functions:
            return await scenario(functions[spec.name])

    return asyncio.run(run())


def invoke(spec: FunctionSpec, *events: dict[str, Any]) -> list[Any]:
    """Invoke a function with events, one after the other; return their results and ``FunctionError``s."""

    async def scenario(function: LambdaFunction) -> list[object]:
        outcomes: list[object] = []
        for event in events:
            outcomes += await asyncio.gather(function.invoke(event), return_exceptions=True)
        return outcomes

    return cast(list[Any], run_scenario(spec, scenario))


def invoke_concurrently(spec: FunctionSpec, event: dict[str, Any], times: int) -> list[Any]:
    """Invoke a function with the same event several times at once; return the results."""

    async def scenario(function: LambdaFunction) -> list[object]:
        return await asyncio.gather(*(function.invoke(event) for _ in range(times)))

    return cast(list[Any], run_scenario(spec, scenario))


def test_handler_gets_event_and_returns_result(build_spec: BuildSpec) -> None:
    (result,) = invoke(build_spec("code.echo"), {"body": "zoë \U0001f600"})
    assert result["event"] == {"body": "zoë \U0001f600"}


def test_environment_excludes_user_variables(build_spec: BuildSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "the-users-own")
    environment = invoke(build_spec("code.echo"), {})[0]["environment"]
    assert environment["TABLE_NAME"] == "muster"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Echo"
    assert "AWS_PROFILE" not in environment


def test_context_has_lambda_attributes(build_spec: BuildSpec) -> None:
    (context,) = invoke(build_spec("code.describe_context", timeout=7), {})
    assert 6_000 < context.pop("remaining") <= 7_000
    assert len(context.pop("aws_request_id")) == 36
    assert context == {
        "function_name": "Echo",
        "memory_limit_in_mb": "256",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:Echo",
    }


def test_output_of_handler_is_logged(build_spec: BuildSpec) -> None:
    spec = build_spec("code.echo")
    invoke(spec, {})
    assert (spec.code / "log").read_text() == "printed by the handler\n"


def test_exception_keeps_environment(build_spec: BuildSpec) -> None:
    spec = build_spec("code.raise_error")
    before, error, after = invoke(spec, {"raise": False}, {"raise": True}, {"raise": False})
    assert isinstance(error, HandlerError)
    assert "ValueError: a defect" in str(error)
    assert before == after
    assert isinstance(before, int)
    assert "Traceback" in (spec.code / "log").read_text()


def test_function_gets_dynamodb_validation_error(build_spec: BuildSpec) -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": ""}}
    assert invoke(build_spec("code.put_item"), item) == ["ValidationException"]


@pytest.mark.parametrize("handler", ["code.return_object", "code.return_large_result"])
def test_invalid_result_fails_invocation(handler: str, build_spec: BuildSpec) -> None:
    (error,) = invoke(build_spec(handler), {"size": 6 * 1024 * 1024})
    assert isinstance(error, FunctionError)


def test_result_of_6_mb_is_returned(build_spec: BuildSpec) -> None:
    size = 6 * 1024 * 1024 - 2
    (result,) = invoke(build_spec("code.return_large_result"), {"size": size})
    assert len(result) == size


def test_dead_environment_is_replaced(build_spec: BuildSpec) -> None:
    before, error, after = invoke(build_spec("code.end_process"), {"die": False}, {"die": True}, {"die": False})
    assert isinstance(error, FunctionError)
    assert isinstance(after, int)
    assert before != after


def test_environment_killed_while_idle_is_replaced(build_spec: BuildSpec) -> None:
    async def scenario(function: LambdaFunction) -> object:
        os.kill((await function.invoke({}))["pid"], signal.SIGKILL)  # type: ignore[index]  # the handler returns an object
        await asyncio.sleep(0.1)
        return await function.invoke({"second": True})

    assert run_scenario(build_spec("code.echo"), scenario)["event"] == {"second": True}


def test_timeout_ends_environment(build_spec: BuildSpec) -> None:
    error, pid = invoke(build_spec("code.sleep", timeout=1), {"seconds": 60}, {"seconds": 0})
    assert isinstance(error, FunctionError)
    assert "timed out" in str(error)
    assert isinstance(pid, int)


def test_concurrent_events_use_different_environments(build_spec: BuildSpec) -> None:
    pids = invoke_concurrently(build_spec("code.sleep"), {"seconds": 0.5}, MAX_ENVIRONMENTS)
    assert len(set(pids)) == MAX_ENVIRONMENTS


def test_sequential_events_use_one_environment(build_spec: BuildSpec) -> None:
    pids = invoke(build_spec("code.sleep"), *[{"seconds": 0}] * 5)
    assert len(set(pids)) == 1


def test_invocation_waits_for_free_environment(build_spec: BuildSpec) -> None:
    pids = invoke_concurrently(build_spec("code.sleep"), {"seconds": 0.05}, 3 * MAX_ENVIRONMENTS)
    assert len(set(pids)) == MAX_ENVIRONMENTS


@pytest.mark.parametrize("handler", ["missing.handler", "code.missing"])
def test_handler_that_cannot_be_imported_is_error(handler: str, build_spec: BuildSpec) -> None:
    with pytest.raises(LocalRunError, match=f"Echo: {handler} does not start: .*missing"):
        invoke(build_spec(handler))


def test_environments_stop_with_function(build_spec: BuildSpec) -> None:
    (pid,) = invoke(build_spec("code.sleep"), {"seconds": 0})
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
