"""A function that uses the wire client serves requests without the SDK of AWS."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.api_gateway.event import Request, build_event, decode_path
from local.api_gateway.routes import Routes
from tests.endpoint import CORE, Endpoint, read_functions

SERVE = """
import importlib, json, sys
from types import SimpleNamespace

context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 60_000)
events = json.load(sys.stdin)
handler = importlib.import_module("handlers." + sys.argv[1]).handler
statuses = [handler(event, context)["statusCode"] for event in events]
print(json.dumps({"statuses": statuses, "modules": sorted(sys.modules)}))
"""
USER = {"schemas": [CORE], "userName": "zaphod@example.com"}
BULK = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    "Operations": [{"method": "POST", "path": "/Users", "bulkId": "1", "data": USER}],
}
REQUESTS: dict[str, list[tuple[str, str, object]]] = {
    "users": [("POST", "/Users", USER), ("GET", "/Users?filter=userName%20eq%20%22zaphod@example.com%22", None)],
    "bulk": [("POST", "/Bulk", BULK)],
    "discovery": [("GET", "/Schemas", None)],
}


def build_api_event(token: str, method: str, path: str, body: object) -> object:
    """Return the event of API Gateway for a request."""
    raw_path, _, query = f"/scim/v2{path}".partition("?")
    headers = (
        ("host", "scim.example.com"),
        ("authorization", f"Bearer {token}"),
        ("content-type", "application/scim+json"),
    )
    content = b"" if body is None else json.dumps(body).encode()
    request = Request(method=method, path=raw_path, query=query, headers=headers, body=content, client="192.0.2.1")
    routes = Routes(route for spec in read_functions() for route in spec.routes)
    match = routes.select(method, decode_path(raw_path))
    assert match is not None
    return build_event(request, decode_path(raw_path), match, datetime.now(UTC), "1")


@pytest.mark.parametrize("function", REQUESTS)
def test_requests_do_not_import_the_sdk(direct: Endpoint, function: str) -> None:
    events = [build_api_event(direct.token, *request) for request in REQUESTS[function]]
    process = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", SERVE, function],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "AWS_CLIENT": "wire"},
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout.splitlines()[-1])
    assert set(result["statuses"]) <= {200, 201}, process.stdout
    # Powertools imports the package botocore, which is empty.
    assert [name for name in result["modules"] if name.startswith(("botocore.", "boto3", "urllib3"))] == []
