"""Moto's Secrets Manager as an HTTP server, because moto only intercepts calls of botocore."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from botocore import xform_name
from botocore.exceptions import ClientError


class SecretsServer:
    """Forwards all calls to a client of moto."""

    def __init__(self, client: Any) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                status, response = _call(client, operation, arguments)
                body = json.dumps(response, default=lambda value: value.timestamp()).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _call(client: Any, operation: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the response."""
    try:
        response = getattr(client, xform_name(operation))(**arguments)
    except ClientError as error:
        return 400, {"__type": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    return 200, {name: value for name, value in response.items() if name != "ResponseMetadata"}
