"""What the product learns of a change (docs/events)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scim.events.record import ChangeRecord
from scim.service.ports import LINK

SOURCE = "muster"


@dataclass(frozen=True, slots=True)
class Event:
    """``type`` is EventBridge's detail-type. The same change makes the same event, however often it comes."""

    type: str
    time: datetime
    detail: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The detail as JSON."""
        return json.dumps(self.detail, ensure_ascii=False, separators=(",", ":"))


def event(record: ChangeRecord) -> Event:
    """One event a change.

    It says what became of the user (``participation``) and where that left it (``active``): a consumer that gets
    events in another order than they happened has only the latter to go by.
    """
    deleted = record.operation == "delete"
    detail: dict[str, Any] = {
        "eventId": record.change,
        "tenant": record.tenant,
        "id": record.id,
        "externalId": record.external_id,
        "userName": record.user_name,
        "version": record.sequence - deleted,
        "sequence": record.sequence,
        "participation": record.participation,
        "active": record.active,
        "changed": record.changed,
        "requestId": record.request,
    }
    if record.operation == LINK:
        links = [{"attribute": each.attribute, "id": each.id} for each in record.links]
        detail |= {"links": links, "linkSequence": record.link_sequence}
    return Event(f"{record.resource_type}{_verb(record)}", record.at, detail)


def _verb(record: ChangeRecord) -> str:
    match record.operation, record.participation:
        case "link", _:
            return "Linked"
        case "create", _:
            return "Provisioned"
        case "delete", _:
            return "Deprovisioned"
        case _, "joined":
            return "Activated"
        case _, "left":
            return "Deactivated"
        case _:
            return "Updated"
