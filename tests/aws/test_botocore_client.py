"""Create clients of AWS, which load credentials at their first call."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from scim.aws.botocore_client import LazySession, UsedServicesLoader
from tests.template_reader import Deployment

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
TEMPLATE_VARIABLES = Deployment(ROOT / "template.yaml")["Globals"]["Function"]["Environment"]["Variables"]
CREDENTIALS = {
    "AccessKeyId": "the-key",
    "SecretAccessKey": "secret",
    "Token": "token",
    "Expiration": "2999-01-01T00:00:00Z",
}


class Server(BaseHTTPRequestHandler):
    """A fake of Lambda's credentials endpoint and of DynamoDB. ``requests`` has kind and authorization."""

    requests: list[tuple[str, str]]

    def do_GET(self) -> None:
        self._answer("credentials", CREDENTIALS)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("DynamoDB", {})

    def _answer(self, kind: str, body: dict[str, str]) -> None:
        self.requests.append((kind, self.headers.get("Authorization", "")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Serve credentials as for a function with SnapStart. Return the list of requests."""
    Server.requests = []
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "lambda")
        yield Server.requests
        server.shutdown()


def test_credentials_are_loaded_once_by_the_first_call(requests: list[tuple[str, str]]) -> None:
    client: Any = LazySession().create_client("dynamodb")
    assert requests == []

    client.list_tables()
    client.list_tables()

    assert [kind for kind, _ in requests] == ["credentials", "DynamoDB", "DynamoDB"]
    assert requests[0][1] == "lambda"
    assert all("Credential=the-key/" in authorization for _, authorization in requests[1:])


def test_clients_of_one_session_share_credentials(requests: list[tuple[str, str]]) -> None:
    session = LazySession()
    clients: list[Any] = [session.create_client("dynamodb") for _ in range(2)]

    for client in clients:
        client.list_tables()

    assert [kind for kind, _ in requests].count("credentials") == 1


def test_call_without_credentials_raises_the_sdk_error(
    requests: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    client: Any = LazySession().create_client("dynamodb", config=Config(retries={"total_max_attempts": 1}))

    with pytest.raises(NoCredentialsError):
        client.list_tables()
    assert requests == []


def test_loader_knows_the_services_in_use() -> None:
    services = {
        service
        for path in SOURCE.rglob("*.py")
        for service in re.findall(r'create_client\("(\w+)"', path.read_text("utf-8"))
    }

    assert services == set(UsedServicesLoader().list_available_services("service-2"))


@pytest.mark.parametrize("service", UsedServicesLoader().list_available_services("service-2"))
def test_client_equals_that_of_botocore(service: str) -> None:
    sessions = LazySession(), LazySession()
    sessions[0].register_component("data_loader", UsedServicesLoader())

    meta, expected = (session.create_client(service, "eu-west-1").meta for session in sessions)
    assert meta.endpoint_url == expected.endpoint_url
    assert meta.service_model.metadata == expected.service_model.metadata


DEPLOYMENT_SERVICES = {"codedeploy", "lambda"}  # only the pre-traffic hook calls them, and local runs have none


@pytest.mark.parametrize(
    "service", sorted({*UsedServicesLoader().list_available_services("service-2")} - DEPLOYMENT_SERVICES)
)
def test_empty_endpoint_is_ignored(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template declares the endpoints as empty, for local runs to set them."""
    name = LazySession().get_service_model(service).service_id.upper().replace(" ", "_")
    variable = f"AWS_ENDPOINT_URL_{name}"
    assert TEMPLATE_VARIABLES[variable] == ""

    monkeypatch.setenv(variable, "")
    assert LazySession().create_client(service, "eu-west-1").meta.endpoint_url == (
        f"https://{service}.eu-west-1.amazonaws.com"
    )
    monkeypatch.setenv(variable, "http://127.0.0.1:4000")
    assert LazySession().create_client(service, "eu-west-1").meta.endpoint_url == "http://127.0.0.1:4000"
