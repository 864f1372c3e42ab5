"""Run scim2-server with its users in memory and without HTTP, in ``.venv-bench``.

Each line of standard input is a list of requests: ``[{"method", "path", "query", "body"}]``. For each line, the program
prints the CPU seconds per request and the last response: ``{"cpu", "status", "response"}``. An error ends the process.
An empty list only prepares the garbage collector.
"""

import gc
import json
import sys
import time

from scim2_server.handler import ScimHandler
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.service import ScimService
from scim2_server.utils import load_default_provider

HEADERS = {"Content-Type": "application/scim+json", "Accept": "application/scim+json"}


def main() -> None:
    handler = ScimHandler(ScimService(load_default_provider()), InMemoryStorage())
    for line in sys.stdin:
        requests = [_request(**sent) for sent in json.loads(line)]
        status, content = 0, b"null"
        gc.collect()
        if not requests:
            gc.freeze()
        started = time.process_time()
        for request in requests:
            response = handler.handle(request)
            status, content = response.status.value, json.dumps(response.body).encode()
        spent = (time.process_time() - started) / max(1, len(requests))
        print(json.dumps({"cpu": spent, "status": status, "response": json.loads(content)}), flush=True)


def _request(method: str, path: str, query: dict[str, str], body: str) -> ScimRequest:
    return ScimRequest(method, "https://scim.example.com/scim/v2", path, query, HEADERS, body.encode())


if __name__ == "__main__":
    main()
