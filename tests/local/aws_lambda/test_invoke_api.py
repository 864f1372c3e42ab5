"""The functions of the local run can be invoked with AWS's own client."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.api_gateway.app import FunctionError
from local.aws_lambda.invoke_api import InvokeApi
from local.servers import listen, serve


class Echo:
    """A function that returns the event, or fails as the event says."""

    async def invoke(self, event: Any) -> object:
        if "fail" in event:
            raise FunctionError(event["fail"])
        return event


class Done(Exception):
    """Ends the server."""


def use(scenario: Callable[[str], Any]) -> Any:
    """Run a scenario in a thread, with the URL of the endpoint."""
    outcome: list[Any] = []

    async def job(url: str) -> None:
        outcome.append(await asyncio.to_thread(scenario, url))
        raise Done

    async def run(listener: socket.socket) -> None:
        await serve({listener: InvokeApi({"Echo": Echo()})}, [job(f"http://127.0.0.1:{listener.getsockname()[1]}")])

    with listen(0) as listener, pytest.raises(Done):
        asyncio.run(run(listener))
    return outcome[0]


def invoke(**request: Any) -> Any:
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    config = Config(retries={"total_max_attempts": 1})

    def scenario(url: str) -> Any:
        client = boto3.client("lambda", endpoint_url=url, config=config, **access)
        try:
            answer = client.invoke(**request)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    return use(scenario)


@pytest.mark.parametrize(
    "name",
    ["Echo", "Echo:live", "000000000000:function:Echo", "arn:aws:lambda:us-east-1:000000000000:function:Echo:$LATEST"],
)
def test_event_goes_in_and_the_result_comes_out(name: str) -> None:
    assert invoke(FunctionName=name, Payload='{"a": "zoë"}') == (None, {"a": "zoë"})


def test_handler_that_fails_is_unhandled() -> None:
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
def test_refused_request_has_lambdas_code(request_: Any, code: str) -> None:
    assert invoke(**request_) == code


def test_request_that_is_not_signed_is_refused() -> None:
    path = "/2015-03-31/functions/Echo/invocations"
    assert use(lambda url: httpx.post(url + path, content="{}").status_code) == 403
    assert use(lambda url: httpx.get(url + path).status_code) == 404
