"""scim2-server with its users in memory, without HTTP: runs in ``.venv-bench``.

Reads a turn a line from standard input, ``[{"method", "path", "query", "body"}]``, and writes the CPU seconds of one
request of it and the last answer: ``{"cpu", "status", "answer"}``. What is refused ends the process. A turn without
requests only settles the garbage collector.
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
        status, answer = 0, b"null"
        gc.collect()
        if not requests:
            gc.freeze()
        started = time.process_time()
        for request in requests:
            response = handler.handle(request)
            status, answer = response.status.value, json.dumps(response.body).encode()
        spent = (time.process_time() - started) / max(1, len(requests))
        print(json.dumps({"cpu": spent, "status": status, "answer": json.loads(answer)}), flush=True)


def _request(method: str, path: str, query: dict[str, str], body: str) -> ScimRequest:
    return ScimRequest(method, "https://scim.example.com/scim/v2", path, query, HEADERS, body.encode())


if __name__ == "__main__":
    main()
