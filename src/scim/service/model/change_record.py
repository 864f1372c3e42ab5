"""Change records: each write of a resource stores one, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """The kind of a change: a write that a client requested, or a change of the links of a user."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    LINK = "link"
    """References of the user were linked to other users, or are linked no longer. No client requested it."""


WRITE_OPERATIONS = {
    "POST": Operation.CREATE,
    "PUT": Operation.REPLACE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
}
"""The operation of each HTTP method that writes."""


class Participation(StrEnum):
    """The effect of a change on whether the user is active.

    The words are those of the events: a user that becomes active has *joined*, one that becomes inactive or is deleted
    while it is active has *left*.
    """

    JOINED = "joined"
    LEFT = "left"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class ChangeRecord:
    """The record of one change of a resource.

    ``resource_type`` and the fields after it describe the user after the change. For a deletion they describe it before
    the change, with ``active`` false. ``attributes_changed``, ``ignored`` and ``attributes_sent`` are names of
    attributes: those whose values changed, those that were ignored, and those that the request contains. ``links`` are
    all links of the user after an :attr:`Operation.LINK`: the name of the attribute and the id of the other user.
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
    """A change record, and the id of its user."""

    resource_id: str
    change: ChangeRecord
