"""A proxy in front of an engine, which loses responses, and delays and throttles calls."""

import json
import threading
import time
import uuid
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

# The response of DynamoDB when the partition of a transaction has no capacity left.
_THROTTLED = json.dumps(
    {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]",
        "CancellationReasons": [{"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}],
    }
).encode()


class Proxy:
    """Forwards all calls, except for the responses to lose and the calls to delay or throttle."""

    def __init__(self, upstream: str) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a body would wait for the client

            def setup(self) -> None:
                super().setup()
                self._upstream = HTTPConnection(urlsplit(upstream).netloc, timeout=20)

            def finish(self) -> None:
                self._upstream.close()
                super().finish()

            def do_POST(self) -> None:
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = proxy.record_request(operation, self.rfile.read(int(self.headers["Content-Length"])))
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "content-length")
                }
                proxy.wait_for_delay(body)
                status, response = 400, _THROTTLED
                if not proxy.take_throttling(operation):
                    status, response = _forward(self._upstream, body, headers)
                if proxy.take_loss(operation):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64  # the number of simultaneous connection attempts

        self._server = Server(("127.0.0.1", 0), Handler)
        self._lock = threading.Lock()
        self._losses: Counter[str] = Counter()
        self._rates: dict[str, tuple[float, float]] = {}
        self._delays: dict[bytes, float] = {}
        self.forgets_tokens = False
        """Whether repeated transactions get new idempotency tokens, as if ten minutes had passed."""
        self.bodies: dict[str, list[bytes]] = {}
        """The bodies of the requests, by operation."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def lose(self, operation: str, times: int = 1) -> None:
        """Lose the responses to the next calls of an operation."""
        self._losses[operation] = times

    def throttle(self, operation: str, per_second: float) -> None:
        """Throttle an operation to a number of calls per second, as a hot partition does."""
        self._rates[operation] = (per_second, time.monotonic())

    def delay(self, text: bytes, seconds: float) -> None:
        """Delay all calls whose bodies contain a text."""
        self._delays[text] = seconds

    def wait_for_delay(self, body: bytes) -> None:
        """Wait if the call with this body is delayed."""
        time.sleep(max((seconds for text, seconds in self._delays.items() if text in body), default=0.0))

    def take_throttling(self, operation: str) -> bool:
        """Use capacity for a call. Return true if no capacity is left."""
        with self._lock:
            if operation not in self._rates:
                return False
            rate, next_free = self._rates[operation]
            now = time.monotonic()
            if next_free > now:
                return True
            self._rates[operation] = (rate, max(next_free, now - 0.1) + 1 / rate)
            return False

    def record_request(self, operation: str, body: bytes) -> bytes:
        """Record the body of a request, and return the one to forward."""
        with self._lock:
            self.bodies.setdefault(operation, []).append(body)
        if self.forgets_tokens and operation == "TransactWriteItems":
            return json.dumps(json.loads(body) | {"ClientRequestToken": str(uuid.uuid4())}).encode()
        return body

    def take_loss(self, operation: str) -> bool:
        """Return whether to lose the response of this call, and count it."""
        with self._lock:
            self._losses[operation] -= 1
            return self._losses[operation] >= 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _forward(upstream: HTTPConnection, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    upstream.request("POST", "/", body, headers)
    response = upstream.getresponse()
    return response.status, response.read()
