"""What the console stores: attempts to sign in, what happened to sessions, invitations. All of it expires."""

from __future__ import annotations

from collections.abc import Callable

from scim.service.model.audit_event import AuditEvent
from scim.service.model.invitation import Acceptance, Invitation
from scim.store import items, keys
from scim.store.table import Item, Table
from scim.store.transactions import IS_ABSENT, Action, Condition, ConditionFailed, TransactionRole, commit

_TTL = {"#ttl": "ttl"}  # a reserved word


class DynamoDBConsoleStore:
    """One attempt at each call; raises what the SDK does."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(self, source: str, window: int, expires: int) -> int:
        """Count one more attempt of a source in a window, and return how many there are."""
        after = self._table.update(
            keys.CONSOLE_PARTITION,
            keys.login_attempts_key(source, window),
            UpdateExpression="SET #ttl = :ttl ADD attempts :one",
            ExpressionAttributeNames=_TTL,
            ExpressionAttributeValues={":one": {"N": "1"}, ":ttl": {"N": str(expires)}},
        )
        return int(after["attempts"]["N"])

    def forget(self, source: str, window: int) -> None:
        """The attempts of a source in a window were those of somebody who may."""
        self._table.update(
            keys.CONSOLE_PARTITION,
            keys.login_attempts_key(source, window),
            UpdateExpression="SET attempts = :none",
            ExpressionAttributeValues={":none": {"N": "0"}},
        )

    def end(self, session_id: str, expires: int) -> None:
        """Remember until a session would have expired that it has ended."""
        self._remember(keys.ended_session_key(session_id), expires)

    def has_ended(self, session_id: str) -> bool:
        return self._table.get(keys.CONSOLE_PARTITION, keys.ended_session_key(session_id)) is not None

    def use(self, session_id: str, expires: int) -> None:
        """Remember that a request has come with a session."""
        self._remember(keys.used_session_key(session_id), expires)

    def is_unused(self, session_id: str) -> bool:
        """Return whether nothing was requested with a session yet, and nobody has signed out of it."""
        sorts = (keys.used_session_key(session_id), keys.ended_session_key(session_id))
        return all(self._table.get(keys.CONSOLE_PARTITION, sort) is None for sort in sorts)

    def _remember(self, sort: str, expires: int) -> None:
        self._table.update(
            keys.CONSOLE_PARTITION,
            sort,
            UpdateExpression="SET #ttl = :ttl",
            ExpressionAttributeNames=_TTL,
            ExpressionAttributeValues={":ttl": {"N": str(expires)}},
        )


class DynamoDBInvitationStore:
    def __init__(self, table: Table, new_id: Callable[[], str]) -> None:
        self._table = table
        self._new_id = new_id

    def add(self, digest: str, invitation: Invitation, act: AuditEvent) -> None:
        """Store an invitation together with the record of who made it."""
        self._write(invitation, _item(digest, invitation), IS_ABSENT, act)

    def get(self, digest: str) -> tuple[Invitation, Acceptance | None] | None:
        """Return an invitation, and who accepted it, if somebody did."""
        item = self._table.get(keys.CONSOLE_PARTITION, keys.invitation_key(digest))
        return None if item is None else (_invitation(item), _acceptance(item))

    def accept(self, digest: str, invitation: Invitation, acceptance: Acceptance, act: AuditEvent) -> Acceptance | None:
        """Accept an invitation that nobody has accepted and that has not expired, together with the record of it.

        Return the acceptance that holds then, which is an earlier one if there is one; ``None`` if it has expired.
        """
        accepted = {
            **_item(digest, invitation),
            "visitor": {"S": acceptance.visitor},
            "session": {"S": acceptance.session},
            "accepted": {"N": str(acceptance.at)},
        }
        is_open = {
            "ConditionExpression": "expires > :now AND attribute_not_exists(accepted)",
            "ExpressionAttributeValues": {":now": {"N": str(acceptance.at)}},
        }
        try:
            self._write(invitation, accepted, is_open, act)
        except ConditionFailed:
            found = self.get(digest)
            return found[1] if found is not None and found[0].expires > acceptance.at else None
        return acceptance

    def _write(self, invitation: Invitation, item: Item, condition: Condition, act: AuditEvent) -> None:
        """Write an invitation together with the audit event. Raises :class:`ConditionFailed`."""
        partition = keys.settings_partition(invitation.tenant)
        record = items.encode_audit_event(partition, keys.audit_event_key(act.at, act.id), act)
        action = Action.put(TransactionRole.RESOURCE, item, condition)
        commit(self._table, [action], record, self._new_id(), self._new_id)


def _item(digest: str, invitation: Invitation) -> Item:
    return {
        **keys.primary_key(keys.CONSOLE_PARTITION, keys.invitation_key(digest)),
        "tenant": {"S": invitation.tenant},
        "generation": {"N": str(invitation.invitation_epoch)},
        "expires": {"N": str(invitation.expires)},
        "ttl": {"N": str(int(invitation.expires))},
    }


def _acceptance(item: Item) -> Acceptance | None:
    if "accepted" not in item:
        return None
    return Acceptance(item["visitor"]["S"], item["session"]["S"], float(item["accepted"]["N"]))


def _invitation(item: Item) -> Invitation:
    return Invitation(item["tenant"]["S"], float(item["expires"]["N"]), int(item["generation"]["N"]))
