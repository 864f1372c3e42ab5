"""What a cold start costs: ``python bench/cold_start.py [ROUNDS]``, with the Python whose packages are to be measured.

Each round starts a fresh process for each function, which imports it as before a snapshot (SnapStart) and then answers
its first request, and one for the floor: what any function with these libraries pays before it does anything. Shown are
the medians of CPU time in ms, of what it is to the floor of the same round, since the machine's speed changes, and of
the peak of memory in MB. AWS is played by this process, without TLS.
"""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from zlib import crc32

SOURCE = Path(__file__).parent.parent / "src"
ROUNDS = 20

_BODY = f"muster_acme_{'x' * 43}"
TOKEN = f"{_BODY}_{crc32(_BODY.encode()):08x}"

ANSWERS = {
    "secretsmanager.GetSecretValue": {"SecretString": json.dumps({"token": TOKEN}), "CreatedDate": 1},
    "DynamoDB_20120810.GetItem": {"Item": {"mode": {"S": "tolerant"}, "extensions": {"S": "[]"}}},
    "DynamoDB_20120810.Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    "DynamoDB_20120810.TransactWriteItems": {},
}

FLOOR = """
import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

class Model1(BaseModel):
    text: str
    number: int = 0
    texts: list[str] = []
class Model2(Model1):
    model: Model1
class Model3(Model1):
    models: list[Model2]
class Model4(Model1):
    models: list[Model3]
class Model5(Model1):
    models: dict[str, Model4]
class Model6(Model1):
    models: list[Model5]

kept = Logger(), Metrics(), APIGatewayHttpResolver(), boto3.client("dynamodb"), boto3.client("secretsmanager")
imported = time.process_time()
"""
FUNCTION = """
from handlers.{name} import handler
imported = time.process_time()

class Context:
    def get_remaining_time_in_millis(self):
        return 29_000

answer = handler({event!r}, Context())
assert answer["statusCode"] in (200, 201), answer
"""
BEFORE = "import time\nbegan = time.process_time()\n"
AFTER = """
ended = time.process_time()
import resource, sys
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
print((imported - began) * 1000, (ended - imported) * 1000, peak, file=sys.__stdout__)
"""


class Aws(BaseHTTPRequestHandler):
    """As much of DynamoDB and Secrets Manager as the first requests ask for."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps(ANSWERS[self.headers["X-Amz-Target"]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None: ...


def event(method: str, path: str, query: str = "", body: object = None) -> dict[str, object]:
    return {
        "rawPath": f"/scim/v2{path}",
        "rawQueryString": query,
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "isBase64Encoded": False,
        "body": json.dumps(body),
        "requestContext": {"requestId": "1", "domainName": "localhost", "http": {"method": method}},
    }


def subjects() -> dict[str, str]:
    """The code to measure, by name."""
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice@example.com"}
    operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": user}
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation]}
    requests = {
        "users, GET ?filter": ("users", event("GET", "/Users", "filter=title+eq+%22x%22")),
        "users, POST": ("users", event("POST", "/Users", body=user)),
        "bulk, POST": ("bulk", event("POST", "/Bulk", body=bulk)),
        "discovery, GET /Schemas": ("discovery", event("GET", "/Schemas")),
    }
    return {"floor": FLOOR} | {
        label: FUNCTION.format(name=name, event=request) for label, (name, request) in requests.items()
    }


def measure(code: str, environment: Mapping[str, str]) -> tuple[float, float, float]:
    """CPU time of the import and of the first request in ms, and the peak of memory in MB."""
    process = subprocess.run(  # noqa: S603  # the code above
        [sys.executable, "-c", BEFORE + code + AFTER], env=dict(environment), capture_output=True, text=True, check=True
    )
    imported, asked, peak = map(float, process.stdout.splitlines()[-1].split())
    return imported, asked, peak


def main(rounds: int) -> None:
    compileall.compile_dir(SOURCE, quiet=1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "POWERTOOLS_SERVICE_NAME": "muster",
        "POWERTOOLS_METRICS_NAMESPACE": "Muster",
        "PYTHONPATH": str(SOURCE),
        "SECRET_PREFIX": "muster/",
        "TABLE_NAME": "muster",
    }
    measured: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for name, code in subjects().items():
            measured.setdefault(name, []).append(measure(code, environment))
    floors = [imported for imported, _, _ in measured["floor"]]
    print(f"{'':24}import  request   sum  to floor  MB")
    for name, rows in measured.items():
        imported, asked, peak = (median(column) for column in zip(*rows, strict=True))
        sums = [sum(row[:2]) for row in rows]
        ratio = median(total / floor for total, floor in zip(sums, floors, strict=True))
        print(f"{name:24}{imported:6.0f} {asked:8.0f} {median(sums):5.0f} {ratio:9.2f} {peak:3.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
