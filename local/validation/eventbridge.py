"""Validate requests to PutEvents of Amazon EventBridge.

Sources: Amazon EventBridge API reference (PutEvents, PutEventsRequestEntry, PutEventsResultEntry) and user guide
("Calculating PutEvents event entry size"). Recorded responses in moto and localstack show which errors concern
only one entry.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.validation import Violation

Json = Mapping[str, Any]

MAX_ENTRIES = 10
MAX_BYTES = 1_048_576  # of all entries of a call
_MAX_DEPTH = 1_000
_MAX_INTEGER = 9_223_372_036_854_775_807
_REQUIRED = ("Source", "DetailType", "Detail")
_BUS = re.compile(r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus/)?[.\-_A-Za-z0-9]{1,256}")


def check_request(request: Json) -> Iterator[Violation]:
    """Yield the errors for which EventBridge rejects the whole request; see :func:`check_entry` for single entries."""
    entries: Sequence[Json] = request.get("Entries") or []
    if not 1 <= len(entries) <= MAX_ENTRIES:
        yield _reject(f"'entries' must have from 1 to {MAX_ENTRIES} members, it has {len(entries)}")
    for number, entry in enumerate(entries, 1):
        if not _BUS.fullmatch(entry.get("EventBusName", "default")):
            yield _reject(f"'entries.{number}.eventBusName' does not satisfy the pattern of a name or an ARN")
        if any(len(resource) > 2_048 for resource in entry.get("Resources", ())):
            yield _reject(f"'entries.{number}.resources' has a member of more than 2048 characters")
    if entries and not any(all(map(entry.get, _REQUIRED)) for entry in entries):
        yield _reject("no entry has Source, DetailType and Detail")
    if (size := sum(map(count_bytes, entries))) > MAX_BYTES:
        yield _reject(f"Total size of the entries in the request is over the limit: {size} of {MAX_BYTES} bytes")


def check_entry(entry: Json) -> Iterator[Violation]:
    """Yield the errors for which EventBridge rejects one entry and accepts the others."""
    for name in _REQUIRED:
        if not entry.get(name):
            yield _reject_argument(name, f"{name} is a required argument.")
            return
    if entry["Source"].lower().startswith("aws."):
        message = "Not authorized for the source."
        yield Violation("NotAuthorizedForSourceException", message)
    if len(entry["DetailType"]) > 128:
        yield _reject_argument("DetailType", "DetailType has more than 128 characters.")
    if not _is_json_object(entry["Detail"]):
        yield Violation("MalformedDetail", "Detail is malformed.")


def count_bytes(entry: Json) -> int:
    """Return the size of an entry as EventBridge counts it."""
    texts = [entry.get(name) or "" for name in _REQUIRED] + list(entry.get("Resources", ()))
    return 14 * ("Time" in entry) + sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _reject(message: str) -> Violation:
    return Violation("ValidationException", message)


def _reject_argument(name: str, reason: str) -> Violation:
    return Violation("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}")


def _is_json_object(text: str) -> bool:
    try:
        document = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and _has_valid_values(document)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _has_valid_values(document: object) -> bool:
    """Return whether numbers and nesting are within the documented limits."""
    level: list[object] = [document]
    for _ in range(_MAX_DEPTH):
        if any(isinstance(value, int) and abs(value) > _MAX_INTEGER for value in level):
            return False
        level = [child for value in level for child in _get_children(value)]
        if not level:
            return True
    return False


def _get_children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
