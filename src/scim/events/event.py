"""Build the event of a change (docs/build/events)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scim.events.stream_record import StreamedChange
from scim.service.model.change_record import Operation, Participation

SOURCE = "muster"

_VERBS = {
    Operation.CREATE: "Provisioned",
    Operation.DELETE: "Deprovisioned",
    Operation.LINK: "Linked",
    Operation.ERASE: "Erased",
}
_UPDATE_VERBS = {
    Participation.JOINED: "Activated",
    Participation.LEFT: "Deactivated",
    Participation.UNCHANGED: "Updated",
}
"""The verbs for a replace and a patch."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event. ``type`` is EventBridge's ``detail-type``. The same change always has the same event."""

    type: str
    time: datetime
    detail: Mapping[str, Any]

    @property
    def detail_json(self) -> str:
        """The detail as JSON."""
        return json.dumps(self.detail, ensure_ascii=False, separators=(",", ":"))


def build_event(record: StreamedChange) -> Event:
    """Return the event of a change.

    ``participation`` says whether the change made the user active or inactive. ``active`` is the state after the
    change. A consumer that may receive events out of order must use ``active``.
    """
    if record.operation is Operation.ERASE:
        return _build_erasure(record)
    is_deletion = record.operation is Operation.DELETE
    detail: dict[str, Any] = {
        "eventId": record.change_id,
        "tenant": record.tenant_id,
        "id": record.id,
        "externalId": record.external_id,
        "userName": record.user_name,
        "version": record.sequence - is_deletion,
        "sequence": record.sequence,
        "participation": record.participation,
        "active": record.active,
        "changed": record.attributes_changed,
        "requestId": record.request_id,
    }
    if record.operation is Operation.LINK:
        links = [{"attribute": link.attribute, "id": link.id} for link in record.links]
        detail |= {"links": links, "linkSequence": record.link_sequence}
    return Event(f"{record.resource_type}{_choose_verb(record)}", record.at.astimezone(UTC), detail)


def _build_erasure(record: StreamedChange) -> Event:
    """Return the event of an erasure, which has no names."""
    detail = {
        "eventId": record.change_id,
        "tenant": record.tenant_id,
        "id": record.id,
        "sequence": record.sequence,
        "participation": record.participation,
        "active": record.active,
        "requestId": record.request_id,
    }
    return Event(f"{record.resource_type}{_choose_verb(record)}", record.at.astimezone(UTC), detail)


def _choose_verb(record: StreamedChange) -> str:
    """Return the verb at the end of the event's type, such as ``Provisioned``."""
    return _VERBS.get(record.operation) or _UPDATE_VERBS[record.participation]
