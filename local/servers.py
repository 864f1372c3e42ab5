"""HTTP servers in the process of the local run, which only this machine can reach."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not capture signals: the main program does."""
        yield


def _build_server(application: Any) -> _Server:
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the source IP is the peer, whatever X-Forwarded-For says, as with API Gateway
        ws="none",
        timeout_graceful_shutdown=3,
    )
    return _Server(config)


async def serve(applications: Mapping[socket.socket, Any], jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Serve each ASGI application at its listener and run the jobs, until a job ends or fails."""
    servers = {listener: _build_server(application) for listener, application in applications.items()}
    tasks = [asyncio.create_task(server.serve(sockets=[listener])) for listener, server in servers.items()]
    try:
        await asyncio.gather(*jobs)
    finally:
        for server in servers.values():
            server.should_exit = True
        await asyncio.gather(*tasks)
