"""EventBridge, as far as changes need it: each event is a line in a file, as a rule's target gets it."""

import json
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.constants import ACCOUNT, REGION
from local.services.journaled_service import ServiceRequest, ServiceResponse
from local.validation import Violation
from local.validation.eventbridge import check_entry, check_request

Json = Mapping[str, Any]


class EventBridgeService:
    """An event bus for PutEvents. ``events`` is the file, for a developer to watch."""

    def __init__(self, events: Path, name: str) -> None:
        self.events = events
        self.events.touch(0o600)  # there to be watched from the start, and its owner's alone
        self._name = name
        self._lock = threading.Lock()

    def __call__(self, call: ServiceRequest) -> ServiceResponse:
        if call.target != "AWSEvents.PutEvents":
            return _refuse(Violation("UnknownOperationException", call.target))
        request = json.loads(call.body)
        for violation in check_request(request):
            return _refuse(violation)
        results = [self._put(entry) for entry in request["Entries"]]
        return _answer(200, {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results})

    def _put(self, entry: Json) -> Json:
        for violation in check_entry(entry):
            return {"ErrorCode": violation.code, "ErrorMessage": violation.message}
        event = _event(entry)
        # An event to a bus that does not exist gets an id and is lost, as on AWS.
        if entry.get("EventBusName", "default").rpartition("/")[2] == self._name:
            with self._lock, self.events.open("a") as file:
                file.write(json.dumps(event) + "\n")
        return {"EventId": event["id"]}


def _event(entry: Json) -> dict[str, Any]:
    """What a rule's target gets (Amazon EventBridge user guide, "Events")."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(entry.get("Time", time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": entry.get("Resources", []),
        "detail": json.loads(entry["Detail"]),
    }


def _answer(status: int, body: Json) -> ServiceResponse:
    return ServiceResponse(status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode())


def _refuse(violation: Violation) -> ServiceResponse:
    return _answer(400, {"__type": violation.code, "message": violation.message})
