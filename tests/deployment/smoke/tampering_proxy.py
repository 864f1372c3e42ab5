"""A proxy or CDN in front of the API that tampers with requests and responses, as a wrong configuration would."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.deployment.emulated.stack import DeployedStack

_HOP_BY_HOP = {"connection", "content-encoding", "content-length", "host", "transfer-encoding"}


@dataclass(frozen=True)
class Message:
    """A request that the proxy forwards, or the response to it. ``status`` is 0 for a request."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    status: int = 0

    def without_header(self, name: str) -> "Message":
        """Return the message without a header. ``name`` is in lower case."""
        return replace(self, headers={key: value for key, value in self.headers.items() if key != name})


Tamper = Callable[[Message], Message]


@contextmanager
def run_proxy(stack: DeployedStack, tamper: Tamper) -> Iterator[str]:
    """Forward requests to a stack, with ``tamper`` applied to each request and response. Yield the SCIM URL."""
    origin = stack.url.removesuffix("/scim/v2")
    context = ssl.create_default_context(cafile=stack.account.gateway.certificate)
    client = httpx.Client(proxy=stack.account.gateway.url, verify=context, trust_env=False, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        def do_request(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            request = tamper(Message(self.command, self.path, headers, self.rfile.read(size)))
            response = client.request(
                request.method, origin + request.target, headers=request.headers, content=request.body
            )
            received = {name: value for name, value in response.headers.items() if name not in _HOP_BY_HOP}
            answer = tamper(Message(self.command, self.path, received, response.content, response.status_code))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = do_request  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/scim/v2"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        client.close()
