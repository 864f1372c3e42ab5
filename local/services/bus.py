"""EventBridge and SQS, as far as changes need them: what is sent to them is a line in a file, for a developer to watch.

``events.jsonl`` has the events as a rule's target gets them, ``poison.jsonl`` what would be in the queue for failures.
"""

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.place import ACCOUNT, HOST, REGION
from local.services.durable import Answer, Call, http_handler


class Bus:
    """A service for PutEvents and SendMessage, with its files in a directory."""

    def __init__(self, data: Path) -> None:
        self.events = data / "events.jsonl"
        self.poison = data / "poison.jsonl"
        self.url = ""
        self._lock = threading.Lock()
        for path in (self.events, self.poison):  # there to be watched from the start, and its owner's alone
            path.touch(0o600)

    def __call__(self, call: Call) -> Answer:
        request = json.loads(call.body)
        if call.target == "AWSEvents.PutEvents":
            events = [_event(entry) for entry in request["Entries"]]
            self._append(self.events, *events)
            taken = {"FailedEntryCount": 0, "Entries": [{"EventId": event["id"]} for event in events]}
            return _answer(200, taken)
        if call.target == "AmazonSQS.SendMessage":
            self.lay_aside(json.loads(request["MessageBody"]))
            digest = hashlib.md5(request["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            return _answer(200, {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": digest})
        return _answer(400, {"__type": "UnknownOperationException", "message": call.target})

    def lay_aside(self, message: Mapping[str, Any]) -> None:
        """A message to the queue for failures."""
        self._append(self.poison, message)

    def _append(self, path: Path, *lines: Mapping[str, Any]) -> None:
        with self._lock, path.open("a") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


@contextmanager
def serving(data: Path) -> Iterator[Bus]:
    """The bus at its ``url`` until the end of the block."""
    bus = Bus(data)
    with ThreadingHTTPServer((HOST, 0), http_handler(bus)) as server:
        bus.url = f"http://{HOST}:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield bus
        finally:
            server.shutdown()


def _event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule's target gets (Amazon EventBridge user guide, "Events")."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(entry["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": json.loads(entry["Detail"]),
    }


def _answer(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode())
