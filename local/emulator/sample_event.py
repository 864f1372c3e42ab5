"""Sample events, the functions that they are for, and their outcomes as JSON objects."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.errors import LocalRunError
from local.template import FunctionSpec

EVENTS = Path(__file__).parents[2] / "events"
_NOT_EVENTS = ("expected", "setup")
_ROTATION_HANDLER = "handlers.rotation.handler"


@dataclass(frozen=True)
class SampleEvent:
    """A file in ``events/``. ``events/expected`` has a file of the same name with the expected outcome."""

    path: Path

    @property
    def name(self) -> str:
        """The path below ``events/``, without the suffix."""
        return self.path.resolve().relative_to(EVENTS).with_suffix("").as_posix()

    @cached_property
    def content(self) -> dict[str, Any]:
        """The event; raise ``LocalRunError`` if the file is not a JSON object."""
        try:
            event = json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise LocalRunError(f"{self.path} can't be read as an event: {error}") from error
        if not isinstance(event, dict):
            raise LocalRunError(f"{self.path} can't be read as an event: it is not a JSON object")
        return event

    @property
    def preceding(self) -> list["SampleEvent"]:
        """The earlier steps of a rotation, which must be done before this one."""
        if "Step" not in self.content:
            return []
        return [SampleEvent(path) for path in sorted(self.path.parent.glob("*.json")) if path.name < self.path.name]

    @property
    def expected_path(self) -> Path:
        """The file with the expected outcome."""
        return EVENTS / "expected" / f"{self.name}.json"

    def select_function(self, specs: Iterable[FunctionSpec]) -> FunctionSpec:
        """Return the function that AWS would invoke; raise ``LocalRunError`` if it is none of ``specs``."""
        for spec in specs:
            if self._is_for(spec):
                return spec
        raise LocalRunError(
            f"{self.path} is for no function: it needs a routeKey of template.yaml, Records of its stream or queue, "
            "the Step of a rotation, or the source of a schedule"
        )

    def _is_for(self, spec: FunctionSpec) -> bool:
        event = self.content
        if "routeKey" in event:
            return event["routeKey"] in {route.key for route in spec.routes}
        if "Step" in event:
            return spec.handler == _ROTATION_HANDLER
        if event.get("source") == "aws.events":
            return spec.schedule is not None
        sources = {record.get("eventSource") for record in event.get("Records", [])}
        return (spec.stream is not None and sources == {"aws:dynamodb"}) or (
            spec.queue is not None and sources == {"aws:sqs"}
        )


def list_sample_events() -> list[SampleEvent]:
    """Return all sample events, sorted by path."""
    paths = sorted(EVENTS.rglob("*.json"))
    return [SampleEvent(path) for path in paths if path.relative_to(EVENTS).parts[0] not in _NOT_EVENTS]


def build_outcome(
    result: Any, log: Sequence[Mapping[str, Any]], events: Iterable[str] = (), dead_letters: Iterable[str] = ()
) -> dict[str, Any]:
    """Return an outcome as the files in ``events/expected`` have it.

    Args:
        result: What the handler returned.
        log: The log lines of the invocation. Only the last one is part of the outcome.
        events: The published events, in JSON.
        dead_letters: The messages that were sent to dead-letter queues, in JSON.
    """
    outcome = _decode_response(result) if isinstance(result, dict) and "statusCode" in result else {"result": result}
    for name, lines in (("events", events), ("deadLetters", dead_letters)):
        if values := [json.loads(line) for line in lines]:
            outcome[name] = values
    return outcome | ({"log": dict(log[-1])} if log else {})


def _decode_response(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return status, headers and body of a response to API Gateway. A JSON body is decoded, another one is a text."""
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    body = response.get("body", "")
    if response.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    if "json" in headers.get("content-type", ""):
        body = json.loads(body)
    return {"status": response["statusCode"], "headers": headers, "body": body}
