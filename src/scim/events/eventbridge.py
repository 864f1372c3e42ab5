"""Publish events on the EventBridge bus.

PutEvents returns 200 even if it rejected every event: each entry has its own result. Source: Amazon EventBridge API
reference, "PutEvents".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scim.aws.errors import AwsError, ErrorResponse, can_be_repeated
from scim.events.batching import NO_RESPONSE_CODE, Rejection, SendResult, send_in_batches
from scim.events.event import SOURCE, Event
from scim.service.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

# EventBridge's limit was 256 KB, and has been 1 MB since January 2026 ("More room to build", AWS Compute Blog).
# A larger event is sent alone. No event reaches 1 MB, since its values fit into a document of 340,000 bytes.
_MAX_BYTES = 256 * 1024
_TIME_BYTES = 14
"""The bytes that EventBridge counts for the time of an entry."""

# The error codes for an invalid entry. All other errors are temporary, or caused by the deployment.
_INVALID_ENTRY_CODES = frozenset({"InvalidArgument", "MalformedDetail"})
_INVALID_CALL_CODE = "ValidationException"
"""EventBridge's error code for a call with invalid content, such as an entry over its limit."""


class EventBus:
    """The event bus. An instance serves one batch of change records."""

    def __init__(self, client: EventBridgeClient, name: str, deadline: Deadline) -> None:
        self._client = client
        self._name = name
        self._deadline = deadline

    def publish(self, events: Mapping[int, Event]) -> SendResult:
        """Send events until each is accepted or rejected, or the deadline passes.

        Raise :class:`AwsError` if a whole call fails and would fail again.
        """
        entries = {number: self._build_entry(event) for number, event in events.items()}
        return send_in_batches(entries, _count_bytes, _MAX_BYTES, self._put, self._deadline)

    def _put(self, entries: Sequence[Entry]) -> list[Rejection | None]:
        try:
            response = self._client.put_events(Entries=entries)
        except AwsError as error:
            if isinstance(error, ErrorResponse) and error.code == _INVALID_CALL_CODE:
                return self._put_individually(entries)
            if not can_be_repeated(error):
                raise
            return [Rejection(NO_RESPONSE_CODE, is_invalid=False)] * len(entries)
        codes = [entry.get("ErrorCode") for entry in response["Entries"]]
        return [Rejection(code, code in _INVALID_ENTRY_CODES) if code else None for code in codes]

    def _put_individually(self, entries: Sequence[Entry]) -> list[Rejection | None]:
        """Send each entry in a separate call, and reject the entries whose call is invalid."""
        if len(entries) == 1:
            return [Rejection(_INVALID_CALL_CODE, is_invalid=True)]
        return [outcome for entry in entries for outcome in self._put([entry])]

    def _build_entry(self, event: Event) -> Entry:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": event.detail_json,
            "Time": event.time,
        }


def _count_bytes(entry: Entry) -> int:
    """Return the size of an entry in bytes (EventBridge user guide, "Calculating PutEvents event entry size")."""
    return _TIME_BYTES + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
