"""The traces of a person in the table, and the result of erasing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class UserTrace:
    """What the change records say about a deleted user.

    Attributes:
        user_id: The id.
        last_sequence: The number of the last change, at least the lowest version in a restored table.
        is_deleted: Whether the last change record is that of the deletion, or of an erasure after it, or has expired.
        is_erased: Whether the last change record is that of an erasure.
        identifiers: The user names and external ids that the user had.
        hashes: The hashes of all identifiers that the user had.
        removed_reference_hashes: The hashes of the identifiers that the user referred to.
    """

    user_id: str
    last_sequence: int
    is_deleted: bool
    is_erased: bool
    identifiers: frozenset[str]
    hashes: frozenset[str]
    removed_reference_hashes: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonTraces:
    """The traces of a person: the deleted users, and the hashes by which other records name the person.

    ``referrer_ids`` are the users who refer to the person, for example as manager. Their values are not changed.
    """

    users: Sequence[UserTrace]
    hashes: frozenset[str]
    referrer_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """The result of an erasure: the ids of the deleted users, and the number of deleted items by kind."""

    user_ids: Sequence[str]
    deleted: Mapping[str, int] = field(default_factory=dict)
    referrer_ids: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to erase, and no user with this identifier was erased before."""
        return not self.user_ids and not any(self.deleted.values())
