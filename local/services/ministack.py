"""Run DynamoDB with ministack and a journal: ``python -m local.services.ministack --port PORT --journal FILE``.

This runs in a separate virtual environment. Ministack itself saves its state only at a regular shutdown.
"""

import asyncio
import threading
from typing import Any

from ministack.app import app  # type: ignore[import-not-found]  # not in the environment that checks types

from local.services.journaled_service import Service, ServiceRequest, ServiceResponse, run_service


def create_service() -> Service:
    """Return an empty DynamoDB. Ministack's other services are not started."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return lambda request: asyncio.run_coroutine_threadsafe(_post(request), loop).result()


async def _post(request: ServiceRequest) -> ServiceResponse:
    body = request.body.encode()
    headers = {"x-amz-target": request.target, "host": "dynamodb", "content-length": str(len(body))}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *chunks = messages
    decoded = {name.decode(): value.decode() for name, value in start["headers"]}
    response_headers = {name: value for name, value in decoded.items() if name.lower() != "content-length"}
    return ServiceResponse(start["status"], response_headers, b"".join(chunk.get("body", b"") for chunk in chunks))


if __name__ == "__main__":
    run_service(create_service)
