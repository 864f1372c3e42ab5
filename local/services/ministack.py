"""DynamoDB: ministack's, made durable. ``python -m local.services.ministack --port PORT --journal FILE``

Runs in ministack's own virtual environment. Ministack itself saves its state only when it is stopped politely.
"""

import asyncio
import threading
from typing import Any

from ministack.app import app  # type: ignore[import-not-found]  # not in the environment that checks types

from local.services.journaled_service import Service, ServiceRequest, ServiceResponse, run_service


def create_service() -> Service:
    """A fresh DynamoDB, of one account and one region. Ministack's other services are never started."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return lambda call: asyncio.run_coroutine_threadsafe(_post(call), loop).result()


async def _post(call: ServiceRequest) -> ServiceResponse:
    body = call.body.encode()
    headers = {"x-amz-target": call.target, "host": "dynamodb", "content-length": str(len(body))}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    kept = {name: value for name, value in answered.items() if name.lower() != "content-length"}
    return ServiceResponse(sent[0]["status"], kept, b"".join(message.get("body", b"") for message in sent[1:]))


if __name__ == "__main__":
    run_service(create_service)
