"""The functions of the local run can be invoked with boto3."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws_client import create_client
from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.invoke_api import InvokeApi
from local.port import listen
from local.servers import serve


class Echo:
    """A function that returns the event, or fails as the event says."""

    async def invoke(self, event: Any) -> object:
        if "fail" in event:
            raise FunctionError(event["fail"])
        return event


class ScenarioEnd(Exception):
    """Raised to stop the server."""


def run_scenario(scenario: Callable[[str], Any]) -> Any:
    """Run a scenario in a thread, with the URL of the endpoint."""
    results: list[Any] = []

    async def job(url: str) -> None:
        results.append(await asyncio.to_thread(scenario, url))
        raise ScenarioEnd

    async def run(listener: socket.socket) -> None:
        await serve({listener: InvokeApi({"Echo": Echo()})}, [job(f"http://127.0.0.1:{listener.getsockname()[1]}")])

    with listen(0) as listener, pytest.raises(ScenarioEnd):
        asyncio.run(run(listener))
    return results[0]


def invoke(**request: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1})

    def scenario(url: str) -> Any:
        client = create_client("lambda", url, config)
        try:
            response = client.invoke(**request)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return response.get("FunctionError"), json.loads(response["Payload"].read())

    return run_scenario(scenario)


@pytest.mark.parametrize(
    "name",
    ["Echo", "Echo:live", "000000000000:function:Echo", "arn:aws:lambda:us-east-1:000000000000:function:Echo:$LATEST"],
)
def test_invoke_returns_result(name: str) -> None:
    assert invoke(FunctionName=name, Payload='{"a": "zoë"}') == (None, {"a": "zoë"})


def test_failure_of_handler_is_unhandled() -> None:
    assert invoke(FunctionName="Echo", Payload='{"fail": "ValueError: a defect"}') == (
        "Unhandled",
        {"errorType": "ValueError", "errorMessage": "a defect"},
    )
    assert invoke(FunctionName="Echo", Payload='{"fail": "timed out"}')[0] == "Unhandled"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"FunctionName": "Other"}, "ResourceNotFoundException"),
        ({"FunctionName": "Echo", "Payload": "{"}, "InvalidRequestContentException"),
        ({"FunctionName": "Echo", "InvocationType": "Event"}, "InvalidParameterValueException"),
        ({"FunctionName": "Echo", "Payload": json.dumps({"a": "x" * 6 * 1024 * 1024})}, "RequestTooLargeException"),
    ],
)
def test_rejected_request_has_lambda_error_code(request_: Any, code: str) -> None:
    assert invoke(**request_) == code


def test_unsigned_request_is_rejected() -> None:
    path = "/2015-03-31/functions/Echo/invocations"
    assert run_scenario(lambda url: httpx.post(url + path, content="{}").status_code) == 403
    assert run_scenario(lambda url: httpx.get(url + path).status_code) == 404
