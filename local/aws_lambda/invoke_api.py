"""AWS Lambda's Invoke operation for the functions of the local run, as an ASGI application.

Only synchronous invocations are supported. If a handler fails, the response has the status 200 and the header
``X-Amz-Function-Error``. See AWS Lambda API reference, "Invoke".
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from local.asgi import Receive, Send, read_body
from local.aws_lambda.invocation import Function, FunctionError

_PAYLOAD_LIMIT = 6 * 1024 * 1024
_PATH = re.compile(r"/2015-03-31/functions/(.+)/invocations")
_NAME = re.compile(r"(?:arn:aws:lambda:[a-z0-9-]+:\d{12}:function:|(?:\d{12}:)?(?:function:)?)([\w-]+)(?::[\w$-]+)?")

Headers = dict[str, str]
_Reply = tuple[int, Headers, object]  # status, headers, JSON document


class InvokeApi:
    """The Invoke API for functions, by name. It accepts only signed requests, but does not check the signature."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Respond to one request, as ASGI defines it."""
        body = await read_body(receive, _PAYLOAD_LIMIT)
        status, headers, document = await self._respond(scope, body)
        content = json.dumps(document).encode()
        all_headers = {"content-type": "application/json", "content-length": str(len(content))} | headers
        encoded = [(name.encode(), value.encode()) for name, value in all_headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": content})

    async def _respond(self, scope: dict[str, Any], body: bytes | None) -> _Reply:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = _PATH.fullmatch(unquote(scope["raw_path"].decode("latin-1")))
        if path is None or scope["method"] != "POST":
            return _build_error(404, "UnknownOperationException", "Only Invoke is supported.")
        # This blocks requests of web pages: a browser does not let them send this header to another origin.
        if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return _build_error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        if headers.get("x-amz-invocation-type", "RequestResponse") != "RequestResponse":
            return _build_error(400, "InvalidParameterValueException", "Only RequestResponse is supported.")
        if body is None:
            message = f"Request must be smaller than {_PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
            return _build_error(413, "RequestTooLargeException", message)
        name = _NAME.fullmatch(path[1])
        if name is None or name[1] not in self._functions:
            return _build_error(404, "ResourceNotFoundException", f"Function not found: {path[1]}")
        return await _invoke(self._functions[name[1]].invoke, body)


async def _invoke(invoke: Callable[[Any], Awaitable[object]], body: bytes) -> _Reply:
    try:
        event = json.loads(body or b"{}")
    except ValueError:
        return _build_error(400, "InvalidRequestContentException", "Could not parse request body into json")
    version = {"x-amz-executed-version": "$LATEST"}
    try:
        return 200, version, await invoke(event)
    except FunctionError as error:
        error_type, _, message = str(error).rpartition(": ")
        failure = {"errorMessage": message, "errorType": error_type or "Runtime.ExitError"}
        return 200, version | {"x-amz-function-error": "Unhandled"}, failure


def _build_error(status: int, code: str, message: str) -> _Reply:
    return status, {"x-amzn-errortype": code}, {"Type": "User", "Message": message}
