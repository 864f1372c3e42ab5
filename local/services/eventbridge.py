"""A local replacement for EventBridge's PutEvents.

Each event becomes a line in a file, in the form in which the target of a rule receives it.
"""

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
    """EventBridge with one bus. ``events`` is the file of its events."""

    def __init__(self, events: Path, name: str) -> None:
        self.events = events
        self.events.touch(0o600)  # exists from the start, readable only for its owner
        self._name = name
        self._lock = threading.Lock()

    def __call__(self, request: ServiceRequest) -> ServiceResponse:
        """Return the response to a request."""
        if request.target != "AWSEvents.PutEvents":
            return _build_error(Violation("UnknownOperationException", request.target))
        parameters = json.loads(request.body)
        for violation in check_request(parameters):
            return _build_error(violation)
        results = [self._put(entry) for entry in parameters["Entries"]]
        failures = sum("ErrorCode" in result for result in results)
        return _build_response(200, {"FailedEntryCount": failures, "Entries": results})

    def _put(self, entry: Json) -> Json:
        for violation in check_entry(entry):
            return {"ErrorCode": violation.code, "ErrorMessage": violation.message}
        event = _build_event(entry)
        # As on AWS, an event to a bus that does not exist gets an id and is dropped.
        if entry.get("EventBusName", "default").rpartition("/")[2] == self._name:
            with self._lock, self.events.open("a") as file:
                file.write(json.dumps(event) + "\n")
        return {"EventId": event["id"]}


def _build_event(entry: Json) -> dict[str, Any]:
    """Return the event that the target of a rule receives (Amazon EventBridge user guide, "Events")."""
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


def _build_response(status: int, body: Json) -> ServiceResponse:
    return ServiceResponse(status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode())


def _build_error(violation: Violation) -> ServiceResponse:
    return _build_response(400, {"__type": violation.code, "message": violation.message})
