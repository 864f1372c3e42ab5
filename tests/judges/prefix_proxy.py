"""A reverse proxy that removes a prefix from paths, for clients whose base path is fixed."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "host", "transfer-encoding"}


@contextmanager
def serve_prefix(prefix: str, url: str) -> Iterator[str]:
    """Serve ``<result><prefix><path>`` by ``<url><path>`` until the end of the block; yield the URL of the proxy.

    A request without the prefix is answered with 404.
    """
    target = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection = http.client.HTTPConnection(target, timeout=60)
            connection.request(self.command, self.path.removeprefix(prefix), body or None, headers)
            self._send(connection.getresponse())
            connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815  # names of BaseHTTPRequestHandler

        def _send(self, response: http.client.HTTPResponse) -> None:
            content = response.read()
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in BaseHTTPRequestHandler
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
