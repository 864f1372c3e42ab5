"""A proxy before an engine: it loses replies, so that nobody hears of what was done, and it throttles."""

import json
import threading
import time
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

# What DynamoDB answers to a transaction that meets a partition without capacity.
_THROTTLED = json.dumps(
    {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]",
        "CancellationReasons": [{"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}],
    }
).encode()


class Proxy:
    """Lets everything pass, until it is told to lose something."""

    def __init__(self, upstream: str) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = proxy.observed(operation, self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                status, answer = 400, _THROTTLED
                if not proxy.throttles(operation):
                    status, answer = _forward(Request(upstream, body, headers))  # noqa: S310  # the engine's own address
                if proxy.loses(operation):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64  # as many may connect at once

        self._server = Server(("127.0.0.1", 0), Handler)
        self._lock = threading.Lock()
        self._losses: Counter[str] = Counter()
        self._rates: dict[str, tuple[float, float]] = {}
        self.forgets_tokens = False
        """Whether the engine is kept from knowing a transaction again, as it is after ten minutes."""
        self.bodies: dict[str, list[bytes]] = {}
        """What was sent to each operation."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def lose(self, operation: str, times: int = 1) -> None:
        """Lose the replies to the next calls of an operation."""
        self._losses[operation] = times

    def throttle(self, operation: str, per_second: float) -> None:
        """Refuse what is more than so many calls of an operation a second, as a hot partition does."""
        self._rates[operation] = (per_second, time.monotonic())

    def throttles(self, operation: str) -> bool:
        with self._lock:
            if operation not in self._rates:
                return False
            rate, next_free = self._rates[operation]
            now = time.monotonic()
            if next_free > now:
                return True
            self._rates[operation] = (rate, max(next_free, now - 0.1) + 1 / rate)
            return False

    def observed(self, operation: str, body: bytes) -> bytes:
        with self._lock:
            self.bodies.setdefault(operation, []).append(body)
        if self.forgets_tokens and operation == "TransactWriteItems":
            return json.dumps(json.loads(body) | {"ClientRequestToken": str(uuid.uuid4())}).encode()
        return body

    def loses(self, operation: str) -> bool:
        with self._lock:
            self._losses[operation] -= 1
            return self._losses[operation] >= 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _forward(request: Request) -> tuple[int, bytes]:
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310  # the engine's own address
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
