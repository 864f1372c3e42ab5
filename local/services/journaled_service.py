"""Makes a service durable that keeps everything in memory: a request that changed it is journalled before its answer
goes out, and at the next start all of them are carried out again.

For services that speak JSON over POST with the operation in ``X-Amz-Target``, as DynamoDB and Secrets Manager do. Only
the standard library is needed, since one of the two runs in a virtual environment that has nothing else of ours.
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

_READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")


@dataclass(frozen=True)
class ServiceRequest:
    """A request to the service: the operation, like ``DynamoDB_20120810.PutItem``, and the JSON document."""

    target: str
    body: str

    @property
    def is_read(self) -> bool:
        return self.target.rpartition(".")[2].startswith(_READS)


@dataclass(frozen=True)
class ServiceResponse:
    """The service's response."""

    status: int
    headers: dict[str, str]
    body: bytes


Service = Callable[[ServiceRequest], ServiceResponse]


class JournaledService:
    """A service whose changes survive. Changes are made one after the other, so that the journal has their order."""

    def __init__(self, service: Service, journal: Journal) -> None:
        self._service = service
        self._journal = journal
        self._lock = threading.Lock()

    def replay(self) -> None:
        """Carries out the journal, each entry at its own time: dates that the service writes stay what they were."""
        for number, entry in enumerate(self._journal, 1):
            call = ServiceRequest(entry["target"], entry["body"])
            with patch("time.time", return_value=entry["time"]):
                answer = self._service(call)
            if answer.status >= 300:
                raise LocalRunError(
                    f"entry {number} of the journal, {call.target}, no longer succeeds: {answer.body!r}"
                )

    def __call__(self, call: ServiceRequest) -> ServiceResponse:
        if call.is_read:
            return self._service(call)
        with self._lock:
            answer = self._service(call)
            if answer.status < 300:
                self._journal.append({"time": time.time(), **asdict(call)})
        return answer


def run_service(connect: Callable[[], Service]) -> None:
    """The main function of such a service: ``--port``, ``--journal``; ends with its standard input.

    ``connect`` builds the service when its turn has come; whatever goes wrong before the first request is one line.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    options = parser.parse_args()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    try:
        service = JournaledService(connect(), Journal(options.journal))
        service.replay()
    except LocalRunError as problem:
        sys.exit(f"error: {problem}")
    with ThreadingHTTPServer((HOST, options.port), build_http_handler(service)) as server:
        server.serve_forever()


def _end_with_standard_input() -> None:
    while os.read(0, 1):  # not sys.stdin, which the interpreter would wait for when it ends
        pass
    os._exit(0)


def build_http_handler(service: Service) -> type[BaseHTTPRequestHandler]:
    """Serves such a service over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = service(ServiceRequest(self.headers.get("X-Amz-Target", ""), body.decode()))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing: the functions' log tells what was asked for."""

    return Handler
