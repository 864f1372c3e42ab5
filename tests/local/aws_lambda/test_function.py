"""Functions run as on Lambda: in processes of their own, with their own environment, one event at a time."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.api_gateway.app import FunctionError
from local.aws_lambda.function import MAX_ENVIRONMENTS, HandlerError, LambdaFunction, start_functions
from local.errors import LocalRunError
from local.template import FunctionSpec

HANDLERS = """
import os, time

def echo(event, context):
    print("printed by the handler")
    return {"event": event, "pid": os.getpid(), "environment": dict(os.environ)}

def about(event, context):
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


def use(spec: FunctionSpec, scenario: Callable[[LambdaFunction], Awaitable[Any]]) -> Any:
    """Runs a scenario with a function that runs."""

    async def run() -> Any:
        async with start_functions([spec], spec.code / "log") as functions:
            return await scenario(functions[spec.name])

    return asyncio.run(run())


def test_a_handler_gets_the_event_and_its_result_comes_back(spec: Callable[..., FunctionSpec]) -> None:
    result = use(spec("code.echo"), lambda pool: pool.invoke({"body": "zoë \U0001f600"}))
    assert result["event"] == {"body": "zoë \U0001f600"}


def test_the_environment_is_the_functions_own(
    spec: Callable[..., FunctionSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "the-users-own")
    environment = use(spec("code.echo"), lambda pool: pool.invoke({}))["environment"]
    assert environment["TABLE_NAME"] == "muster"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Echo"
    assert "AWS_PROFILE" not in environment


def test_the_context_is_lambdas(spec: Callable[..., FunctionSpec]) -> None:
    about = use(spec("code.about", timeout=7), lambda pool: pool.invoke({}))
    assert 6_000 < about.pop("remaining") <= 7_000
    assert len(about.pop("aws_request_id")) == 36
    assert about == {
        "function_name": "Echo",
        "memory_limit_in_mb": "256",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:Echo",
    }


def test_what_a_handler_prints_is_in_the_log(spec: Callable[..., FunctionSpec]) -> None:
    echo = spec("code.echo")
    use(echo, lambda pool: pool.invoke({}))
    assert (echo.code / "log").read_text() == "printed by the handler\n"


def test_a_handler_that_raises_fails_the_invocation_and_keeps_its_environment(
    spec: Callable[..., FunctionSpec],
) -> None:
    async def scenario(pool: LambdaFunction) -> tuple[object, object]:
        before = await pool.invoke({"raise": False})
        with pytest.raises(HandlerError, match="ValueError: a defect"):
            await pool.invoke({"raise": True})
        return before, await pool.invoke({"raise": False})

    raising = spec("code.raising")
    before, after = use(raising, scenario)
    assert before == after
    assert "Traceback" in (raising.code / "log").read_text()


def test_function_gets_dynamodbs_refusal_from_an_engine_that_has_none(spec: Callable[..., FunctionSpec]) -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": ""}}
    assert use(spec("code.writing"), lambda pool: pool.invoke(item)) == "ValidationException"


@pytest.mark.parametrize("handler", ["code.unserialisable", "code.large"])
def test_a_result_that_lambda_would_not_take_fails_the_invocation(
    handler: str, spec: Callable[..., FunctionSpec]
) -> None:
    async def scenario(pool: LambdaFunction) -> None:
        with pytest.raises(FunctionError):
            await pool.invoke({"size": 6 * 1024 * 1024})

    use(spec(handler), scenario)


def test_a_result_of_almost_6_mb_comes_back(spec: Callable[..., FunctionSpec]) -> None:
    size = 6 * 1024 * 1024 - 2
    assert len(use(spec("code.large"), lambda pool: pool.invoke({"size": size}))) == size


def test_an_environment_that_dies_fails_its_invocation_and_is_replaced(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> tuple[object, object]:
        before = await pool.invoke({"die": False})
        with pytest.raises(FunctionError):
            await pool.invoke({"die": True})
        return before, await pool.invoke({"die": False})

    before, after = use(spec("code.dying"), scenario)
    assert before != after


def test_an_environment_that_was_killed_while_idle_is_replaced(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> object:
        os.kill((await pool.invoke({}))["pid"], signal.SIGKILL)  # type: ignore[index]  # the handler returns an object
        await asyncio.sleep(0.1)
        return await pool.invoke({"again": True})

    assert use(spec("code.echo"), scenario)["event"] == {"again": True}


def test_an_environment_is_ended_at_the_functions_timeout(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> object:
        with pytest.raises(FunctionError, match="timed out"):
            await pool.invoke({"seconds": 60})
        return await pool.invoke({"seconds": 0})

    assert use(spec("code.sleeping", timeout=1), scenario)


def test_events_at_the_same_time_go_to_different_environments(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> list[object]:
        return await asyncio.gather(*(pool.invoke({"seconds": 0.5}) for _ in range(MAX_ENVIRONMENTS)))

    assert len(set(use(spec("code.sleeping"), scenario))) == MAX_ENVIRONMENTS


def test_one_event_after_the_other_stays_in_one_environment(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> set[object]:
        return {await pool.invoke({"seconds": 0}) for _ in range(5)}

    assert len(use(spec("code.sleeping"), scenario)) == 1


def test_a_request_waits_for_a_free_environment(spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(pool: LambdaFunction) -> list[object]:
        return await asyncio.gather(*(pool.invoke({"seconds": 0.05}) for _ in range(3 * MAX_ENVIRONMENTS)))

    assert len(set(use(spec("code.sleeping"), scenario))) == MAX_ENVIRONMENTS


@pytest.mark.parametrize("handler", ["missing.handler", "code.missing"])
def test_a_handler_that_can_not_be_imported_is_a_problem(handler: str, spec: Callable[..., FunctionSpec]) -> None:
    async def scenario(_: LambdaFunction) -> None: ...

    with pytest.raises(LocalRunError, match=f"Echo: {handler} does not start: .*missing"):
        use(spec(handler), scenario)


def test_no_environment_outlives_the_function(spec: Callable[..., FunctionSpec]) -> None:
    pid = use(spec("code.sleeping"), lambda pool: pool.invoke({"seconds": 0}))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
