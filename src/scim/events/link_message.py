"""Convert link tasks to messages of the links queue and back: small ASCII JSON without personal data."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scim.events.message_queue import QueueMessage
from scim.events.stream_record import StreamedChange
from scim.service.model.change_record import Operation
from scim.service.model.identifiers import IDENTIFYING_ATTRIBUTES
from scim.service.references.link_task import LinkTask

_TASKS = TypeAdapter(LinkTask)


class MalformedTask(ValueError):
    """The message is not a valid link task. The error names the invalid members, but no values."""


def build_task(record: StreamedChange) -> LinkTask | None:
    """Return the task that updates the links that a change may affect, ``None`` if it cannot affect any."""
    if not record.may_affect_links:
        return None
    return LinkTask(
        tenant_id=record.tenant_id,
        user_id=record.id,
        sequence=record.sequence,
        has_new_identifiers=record.operation is Operation.CREATE
        or any(name in IDENTIFYING_ATTRIBUTES for name in record.attributes_changed),
        former_identifier_hashes=record.former_identifier_hashes,
        removed_reference_hashes=record.removed_reference_hashes,
        request_id=record.request_id,
    )


def task_to_json(task: LinkTask) -> dict[str, Any]:
    """Return a task as a JSON object."""
    dumped: dict[str, Any] = _TASKS.dump_python(task, mode="json")
    return dumped


def build_message(task: LinkTask) -> QueueMessage:
    """Return the message of a task."""
    return QueueMessage(json.dumps(task_to_json(task)), task.tenant_id)


def parse_task(body: str) -> LinkTask:
    """Return the task in the body of a message. Raise :class:`MalformedTask`."""
    try:
        return _TASKS.validate_json(body)
    except ValidationError as error:
        names = {str(detail["loc"][0]) if detail["loc"] else "body" for detail in error.errors(include_input=False)}
        raise MalformedTask(", ".join(sorted(names))) from None
