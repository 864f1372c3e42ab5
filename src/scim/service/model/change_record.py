"""Change records. Each write of a resource stores one in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """The kind of a change: a write by a client, or a change of a user's links by Muster."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    LINK = "link"
    """Muster added, changed or removed links of the user."""
    ERASE = "erase"
    """An operator erased the traces of a deleted user. The record has no name."""


WRITE_OPERATIONS = {
    "POST": Operation.CREATE,
    "PUT": Operation.REPLACE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
}
"""The operation of each HTTP method that writes."""


class Participation(StrEnum):
    """The effect of a change on whether the user is active. The values are those of the events (docs/build/events).

    A user who becomes active has *joined*. A user who becomes inactive, or is deleted while active, has *left*.
    """

    JOINED = "joined"
    LEFT = "left"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class ChangeRecord:
    """The record of one change of a resource.

    ``resource_type``, ``user_name``, ``external_id`` and ``active`` describe the user after the change. For a deletion
    they describe the user before it, but ``active`` is false.

    Attributes:
        at: When the change was made (RFC 3339 in UTC).
        operation: The kind of the change.
        attributes_changed: The names of the attributes whose values changed.
        participation: Whether the change made the user active or inactive.
        actor: ``scim`` for a client's write, ``muster`` for a change of links and for an erasure.
        request_id: The id of the request that caused the change.
        leniencies: The labels of the leniencies that the request needed.
        resource_type: The name of the resource type.
        user_name: The user name; empty for an :attr:`Operation.ERASE`.
        external_id: The ``externalId``, ``None`` if the user has none.
        active: Whether the user is active.
        ignored: The names of the attributes in the request that were ignored.
        links: After an :attr:`Operation.LINK`, all links of the user: name of the attribute and id of the other user.
        attributes_sent: The names of the attributes in the request.
    """

    at: str
    operation: Operation
    attributes_changed: Sequence[str]
    participation: Participation
    actor: str
    request_id: str
    leniencies: Sequence[str]
    resource_type: str
    user_name: str
    external_id: str | None
    active: bool
    ignored: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    attributes_sent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change record, the id of the user that it is about, and the id of its event."""

    resource_id: str
    change: ChangeRecord
    event_id: str = ""
