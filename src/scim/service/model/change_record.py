"""What a write leaves behind: the record of the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LINK = "link"
"""The operation of a change record that is no write of a client's: references were linked, or no longer are."""


@dataclass(slots=True)
class ChangeRecord:
    """What a change record says beside the versions: written in the same transaction as the change itself.

    ``resource_type`` and those after it tell whom it is about, as it stands after the change; before it for a deletion,
    after which nobody is active. ``changed``, ``left_out`` and ``sent`` are names of attributes: whose values changed,
    which were ignored, and which the request has. ``links``, of a :data:`LINK`, are all that there are then: attribute
    and user id.
    """

    at: str
    operation: str
    changed: Sequence[str]
    participation: str
    actor: str
    request_id: str
    leniencies: Sequence[str]
    resource_type: str
    user_name: str
    external_id: str | None
    active: bool
    left_out: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    sent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change record, and the id of its user."""

    resource_id: str
    change: ChangeRecord


class Operation(StrEnum):
    """What a change record is about: a request's write, or new links of a user."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    LINK = "link"
