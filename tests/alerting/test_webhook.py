"""The webhook as its server sees it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from scim.alerting import webhook
from scim.alerting.sns_topic import SnsTopic
from scim.alerting.webhook import Webhook, build_webhook
from scim.aws.errors import ErrorResponse
from scim.service.monitoring.ports import AlertNotSent


def use_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let webhooks have http URLs."""
    monkeypatch.setattr(webhook, "_SCHEME", "http://")
    monkeypatch.setattr(webhook, "HTTPSConnection", HTTPConnection)


@dataclass
class Receiver:
    """A server that answers with the statuses in turn, the last one for all further requests."""

    statuses: list[int] = field(default_factory=lambda: [200])
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    is_slow: bool = False
    was_disconnected: Event = field(default_factory=Event)

    def build_webhook(self) -> Webhook:
        return build_webhook(lambda: f"{self.url}/services/secret", lambda _: None)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Run a server on this machine, which has no certificate."""
    use_http(monkeypatch)
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.paths.append(self.path)
            receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if receiver.is_slow:
                self.respond_slowly()
                return
            status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
            self.send_response(status)
            self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def respond_slowly(self) -> None:
            """Send a successful response in five seconds, a few bytes at a time, as long as the client reads it."""
            try:
                for byte in b"HTTP/1.0 200 OK\r\nX: %s\r\n\r\n" % (b"x" * 75):
                    self.connection.sendall(bytes([byte]))
                    Event().wait(0.05)
            except OSError:
                receiver.was_disconnected.set()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


def test_body_has_text_and_members(receiver: Receiver) -> None:
    receiver.build_webhook().send("subject", "text of the alert", {"number_of_customers": 1})
    assert receiver.bodies == [{"text": "text of the alert", "number_of_customers": 1}]
    assert receiver.paths == ["/services/secret"]


def test_second_attempt_follows_a_failed_one(receiver: Receiver) -> None:
    receiver.statuses = [503, 204]
    receiver.build_webhook().send("", "", {})
    assert len(receiver.bodies) == 2


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_other_statuses_are_failures(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    with pytest.raises(AlertNotSent, match=f"status {status}") as failure:
        receiver.build_webhook().send("", "", {})
    assert "secret" not in str(failure.value)
    assert "/elsewhere" not in receiver.paths


def test_missing_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    use_http(monkeypatch)
    channel = build_webhook(lambda: "http://127.0.0.1:9/services/secret", lambda _: None)
    with pytest.raises(AlertNotSent, match="ConnectionRefusedError"):
        channel.send("", "", {})


def test_time_of_an_attempt_is_limited_in_total(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read succeeds within the time, because the server sends byte after byte. The connection is closed."""
    monkeypatch.setattr(webhook, "_TIMEOUT_S", 0.5)
    receiver.is_slow = True
    with pytest.raises(AlertNotSent, match=r"no response within 0\.5 s"):
        receiver.build_webhook().send("", "", {})
    assert receiver.was_disconnected.wait(10)


@pytest.mark.parametrize("url", ["http://hooks.example.com", "file:///etc/passwd", "hooks.example.com", ""])
def test_url_must_be_https(url: str) -> None:
    with pytest.raises(AlertNotSent, match="does not begin with https://"):
        build_webhook(lambda: url, lambda _: None).send("", "", {})


def test_unreadable_url_is_a_failure() -> None:
    def read_url() -> str:
        raise ErrorResponse("GetSecretValue", "AccessDeniedException")

    with pytest.raises(AlertNotSent, match="AccessDeniedException"):
        build_webhook(read_url, lambda _: None).send("", "", {})


def test_topic_reports_rejected_message() -> None:
    class RejectingClient:
        def publish(self, **_: str) -> None:
            raise ErrorResponse("Publish", "AuthorizationError")

    with pytest.raises(AlertNotSent, match="AuthorizationError"):
        SnsTopic(RejectingClient(), "arn:aws:sns:eu-west-1:123456789012:alarms").send("", "", {})
