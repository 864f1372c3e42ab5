"""Findings: where the stored items of a tenant contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What is wrong. The values are part of the output of ``muster check --json``."""

    USER_UNREADABLE = "user-unreadable"
    USER_COPY = "user-copy"
    USER_LOST = "user-lost"
    DUPLICATE_NAME = "duplicate-name"
    UNIQUE_KEY_MISSING = "unique-key-missing"
    UNIQUE_KEY_ORPHANED = "unique-key-orphaned"
    INDEX_ENTRY_MISSING = "index-entry-missing"
    INDEX_ENTRY_ORPHANED = "index-entry-orphaned"
    INDEX_ENTRY_UNUSED = "index-entry-unused"
    COUNTER_WRONG = "counter-wrong"
    CHANGE_RECORD_MISSING = "change-record-missing"
    CHANGE_RECORD_AHEAD = "change-record-ahead"
    CHANGE_RECORD_GAP = "change-record-gap"
    REFERENCE_ENTRY_MISSING = "reference-entry-missing"
    REFERENCE_ENTRY_ORPHANED = "reference-entry-orphaned"
    LINK_WRONG = "link-wrong"
    TENANT_NOT_LISTED = "tenant-not-listed"
    UNKNOWN_ITEM = "unknown-item"


@dataclass(frozen=True, slots=True)
class FindingText:
    """What a finding means for people, and what the repair does (empty: it cannot be repaired, and what to do)."""

    description: str
    repair: str
    advice: str = ""


FINDING_TEXTS = {
    FindingKind.USER_UNREADABLE: FindingText(
        "The user cannot be read. Requests for the user, and lists with the user, fail with status 500.",
        "",
        "Restore the item from a backup. Without a backup, delete the item in the table: the user then counts as lost.",
    ),
    FindingKind.USER_COPY: FindingText(
        "The item is a copy of another user: the id in its document is another one. Lists return it too.",
        "",
        "Compare it with the other user, and delete the copy in the table.",
    ),
    FindingKind.USER_LOST: FindingText(
        "The user has records or keys, but its item is missing, and no deletion is recorded. The person cannot be "
        "provisioned again, because the userName is still taken.",
        "",
        "Restore the item from a backup, or repeat the command with --repair --deprovision-lost.",
    ),
    FindingKind.DUPLICATE_NAME: FindingText(
        "Another user has the same userName. A search by userName finds only the other one.",
        "",
        "Decide which user is the right one, and rename or delete the other one by the identity provider.",
    ),
    FindingKind.UNIQUE_KEY_MISSING: FindingText(
        "The userName has no unique key. A search by userName does not find the user, and a second user can get the "
        "same name.",
        "adds the key",
    ),
    FindingKind.UNIQUE_KEY_ORPHANED: FindingText(
        "A unique key names a userName that its user does not have. No user can get this name.",
        "deletes the key",
    ),
    FindingKind.INDEX_ENTRY_MISSING: FindingText(
        "An indexed value has no index entry. A search by this value does not find the user.",
        "adds the entry",
    ),
    FindingKind.INDEX_ENTRY_ORPHANED: FindingText(
        "An index entry has a value that its user does not have. Searches read it in vain.",
        "deletes the entry",
    ),
    FindingKind.INDEX_ENTRY_UNUSED: FindingText(
        "An index entry belongs to an attribute that is not indexed any more. It only costs storage.",
        "deletes the entry",
    ),
    FindingKind.COUNTER_WRONG: FindingText(
        "A counter differs from the number of users or active users. totalResults and pages by startIndex are wrong.",
        "corrects the counter",
    ),
    FindingKind.CHANGE_RECORD_MISSING: FindingText(
        "The last change of the user has no change record. Your product may not have received its event.",
        "adds a record with the present state, which becomes an event",
    ),
    FindingKind.CHANGE_RECORD_AHEAD: FindingText(
        "A change record is newer than the user. Every change of the user fails.",
        "gives the user a version after the record, which becomes an event",
    ),
    FindingKind.CHANGE_RECORD_GAP: FindingText(
        "An earlier change record of the user is missing. The audit log has a gap, and your product may not have "
        "received the event.",
        "",
        "The record cannot be computed from the other items. Later events contain the present state.",
    ),
    FindingKind.REFERENCE_ENTRY_MISSING: FindingText(
        "A reference, such as the manager, has no entry in the reference index. Its link is not updated when the other "
        "user changes.",
        "adds the entry, and updates the links of the user",
    ),
    FindingKind.REFERENCE_ENTRY_ORPHANED: FindingText(
        "The reference index has an entry for a reference that its user does not have. Link tasks read it in vain.",
        "deletes the entry",
    ),
    FindingKind.LINK_WRONG: FindingText(
        "A link of the user, such as the $ref of the manager, is missing or leads to a wrong user.",
        "updates the links of the user",
    ),
    FindingKind.TENANT_NOT_LISTED: FindingText(
        "The list of tenants does not contain the tenant. The command muster tenants does not show it.",
        "adds it to the list",
    ),
    FindingKind.UNKNOWN_ITEM: FindingText(
        "No version of Muster writes an item with this key or these attributes.",
        "",
        "Find out who has written it. Delete it in the table if it is not needed.",
    ),
}
"""The explanation of each kind of finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A contradiction between items.

    ``subject`` is the id of the user, or the key of an item without a user. ``detail`` says which item is meant; it can
    contain a name or another value of the user. ``is_repaired`` says whether the repair was made.
    """

    kind: FindingKind
    subject: str
    detail: str = ""
    is_repaired: bool = False

    @property
    def is_damage(self) -> bool:
        """Return whether requests or events can be wrong because of it."""
        return self.kind is not FindingKind.INDEX_ENTRY_UNUSED
