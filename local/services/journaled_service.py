"""Make an in-memory service durable with a journal.

Each request that changes the service is written to a journal before its response is sent. At the next start, the
journal is replayed. This works for AWS's JSON protocol: POST, with the operation in ``X-Amz-Target``.

Import only the standard library here: ministack runs in a virtual environment without our dependencies.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

from local.constants import HOST
from local.errors import LocalRunError
from local.services.journal import Journal

_READ_PREFIXES = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")


@dataclass(frozen=True)
class ServiceRequest:
    """A request: the operation, like ``DynamoDB_20120810.PutItem``, and its parameters as a JSON document."""

    target: str
    body: str

    @property
    def is_read(self) -> bool:
        """Whether the operation changes nothing."""
        return self.target.rpartition(".")[2].startswith(_READ_PREFIXES)


@dataclass(frozen=True)
class ServiceResponse:
    """A response of a service."""

    status: int
    headers: dict[str, str]
    body: bytes


Service = Callable[[ServiceRequest], ServiceResponse]


class JournaledService:
    """A service whose changes are written to a journal. Changes run one at a time, so the journal has their order."""

    def __init__(self, service: Service, journal: Journal) -> None:
        self._service = service
        self._journal = journal
        self._lock = threading.Lock()

    def replay(self) -> None:
        """Replay the journal. The clock is set to the time of each entry, so the dates in the service stay the same."""
        for number, entry in enumerate(self._journal, 1):
            request = ServiceRequest(entry["target"], entry["body"])
            with patch("time.time", return_value=entry["time"]):
                response = self._service(request)
            if response.status >= 300:
                raise LocalRunError(
                    f"entry {number} of the journal, {request.target}, can't be replayed: {response.body!r}"
                )

    def __call__(self, request: ServiceRequest) -> ServiceResponse:
        """Return the response to a request; write a successful change to the journal first."""
        if request.is_read:
            return self._service(request)
        with self._lock:
            response = self._service(request)
            if response.status < 300:
                self._journal.append({"time": time.time(), **asdict(request)})
        return response


def run_service(create_service: Callable[[], Service]) -> None:
    """Serve a service over HTTP until standard input is closed; the arguments are ``--port`` and ``--journal``.

    If the journal can't be replayed, print one line and exit.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    options = parser.parse_args()
    threading.Thread(target=_exit_with_standard_input, daemon=True).start()
    try:
        service = JournaledService(create_service(), Journal(options.journal))
        service.replay()
    except LocalRunError as error:
        sys.exit(f"error: {error}")
    with ThreadingHTTPServer((HOST, options.port), build_http_handler(service)) as server:
        server.serve_forever()


def _exit_with_standard_input() -> None:
    while os.read(0, 1):  # not sys.stdin: the interpreter would wait for its lock when it exits
        pass
    os._exit(0)


def build_http_handler(service: Service) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that serves a service over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = service(ServiceRequest(self.headers.get("X-Amz-Target", ""), body.decode()))
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            """Log nothing: the functions log their requests."""

    return Handler
