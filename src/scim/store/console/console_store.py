"""Read and write the console's data: sign-in attempts, used and ended sessions, and invitations. All of it expires."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scim.service.console.product import Product
from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.invitation import Acceptance, Invitation
from scim.store import items, keys
from scim.store.console import keys as console_keys
from scim.store.table import Item, Table
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, ConditionFailed, TransactionRole, commit

_TTL = {"#ttl": "ttl"}  # a reserved word


class DynamoDBConsoleStore:
    """The sign-in attempts and sessions of the console. Writes make one attempt, and raise :class:`AwsError`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count_attempt(self, source: str, window: int, expires: int) -> int:
        """Count an attempt from a source in a time window, and return the number of attempts.

        ``source`` is the digest of the client's network, and ``window`` the number of the time window. ``expires`` is
        in seconds since 1970.
        """
        updated_item = self._table.update_once(
            console_keys.CONSOLE_PARTITION,
            console_keys.sign_in_attempts_key(source, window),
            UpdateExpression="SET #ttl = :ttl ADD attempts :one",
            ExpressionAttributeNames=_TTL,
            ExpressionAttributeValues={":one": {"N": "1"}, ":ttl": {"N": str(expires)}},
        )
        return int(updated_item["attempts"]["N"])

    def reset_attempts(self, source: str, window: int) -> None:
        """Set the number of attempts from a source in a time window to zero."""
        self._table.update_once(
            console_keys.CONSOLE_PARTITION,
            console_keys.sign_in_attempts_key(source, window),
            UpdateExpression="SET attempts = :none",
            ExpressionAttributeValues={":none": {"N": "0"}},
        )

    def mark_ended(self, session_id: str, expires: int) -> None:
        """Record that a session has ended. ``expires`` is when it would have expired, in seconds since 1970."""
        self._put_marker(console_keys.ended_session_key(session_id), expires)

    def has_ended(self, session_id: str) -> bool:
        """Return whether the user signed out of the session, or another sign-in ended it."""
        return self._table.get(console_keys.CONSOLE_PARTITION, console_keys.ended_session_key(session_id)) is not None

    def mark_used(self, session_id: str, expires: int) -> None:
        """Record that a request was made in a session. ``expires`` is when the session expires."""
        self._put_marker(console_keys.used_session_key(session_id), expires)

    def is_unused(self, session_id: str) -> bool:
        """Return whether no request was made in a session yet, and it has not ended."""
        sort_keys = (console_keys.used_session_key(session_id), console_keys.ended_session_key(session_id))
        return all(self._table.get(console_keys.CONSOLE_PARTITION, sort_key) is None for sort_key in sort_keys)

    def mark_token_shown(self, session_id: str, expires: int) -> None:
        """Record that a token was shown in a session. ``expires`` is when the session expires."""
        self._put_marker(console_keys.shown_token_key(session_id), expires)

    def has_shown_token(self, session_id: str) -> bool:
        """Return whether a token was shown in a session."""
        return self._table.get(console_keys.CONSOLE_PARTITION, console_keys.shown_token_key(session_id)) is not None

    def get_product(self) -> Product:
        """Return the product that the console shows to IT admins."""
        item = self._table.get(console_keys.CONSOLE_PARTITION, console_keys.PRODUCT_KEY)
        return Product() if item is None else Product(item["name"]["S"], item["support"]["S"])

    def set_product(self, product: Product) -> None:
        """Store the product that the console shows to IT admins."""
        self._table.update_once(
            console_keys.CONSOLE_PARTITION,
            console_keys.PRODUCT_KEY,
            UpdateExpression="SET #name = :name, support = :support",
            ExpressionAttributeNames={"#name": "name"},
            ExpressionAttributeValues={":name": {"S": product.name}, ":support": {"S": product.support_contact}},
        )

    def _put_marker(self, sort_key: str, expires: int) -> None:
        self._table.update_once(
            console_keys.CONSOLE_PARTITION,
            sort_key,
            UpdateExpression="SET #ttl = :ttl",
            ExpressionAttributeNames=_TTL,
            ExpressionAttributeValues={":ttl": {"N": str(expires)}},
        )


class DynamoDBInvitationStore:
    """The invitations of IT admins: the adapter for :class:`scim.service.ports.InvitationStore`.

    An invitation is stored under the digest of its secret. The secret itself is not stored.
    """

    def __init__(self, table: Table, new_id: Callable[[], str]) -> None:
        self._table = table
        self._new_id = new_id

    def add(self, digest: str, invitation: Invitation, event: AuditEvent, *, ends_request: bool) -> None:
        """Add an invitation and the audit event, in one transaction. If ``ends_request``, end the request for it."""
        add = Action.put(TransactionRole.RESOURCE, _encode_invitation(digest, invitation), NOT_EXISTS_CONDITION)
        # An item that has expired counts as deleted. To delete it, the console would need another permission.
        expired = _encode_link_request(invitation.tenant_id, event.at, invitation.created)
        end = [Action.put(TransactionRole.INDEX, expired)] if ends_request else []
        self._commit(invitation.tenant_id, [add, *end], event)

    def add_link_request(self, tenant_id: str, expires: float, event: AuditEvent) -> None:
        """Add the request for a new invitation and the audit event, in one transaction."""
        request = _encode_link_request(tenant_id, event.at, expires)
        self._commit(tenant_id, [Action.put(TransactionRole.RESOURCE, request)], event)

    def get_link_requests(self, now: float) -> dict[str, str]:
        """Return when a new invitation was requested (RFC 3339 in UTC), by tenant."""
        stored_items = self._table.query(console_keys.CONSOLE_PARTITION, console_keys.LINK_REQUEST_RANGE)
        return {
            console_keys.parse_link_request(item["sk"]["S"]): item["at"]["S"]
            for item in stored_items
            if not items.has_expired(item, now)
        }

    def get_link_request(self, tenant_id: str, now: float) -> str:
        """Return when a new invitation was requested for a tenant (RFC 3339 in UTC), empty for never."""
        item = self._table.get(console_keys.CONSOLE_PARTITION, console_keys.link_request_key(tenant_id))
        return "" if item is None or items.has_expired(item, now) else str(item["at"]["S"])

    def get(self, digest: str) -> tuple[Invitation, Acceptance | None] | None:
        """Return an invitation, and its acceptance or ``None``. Return ``None`` if there is no such invitation."""
        item = self._table.get(console_keys.CONSOLE_PARTITION, console_keys.invitation_key(digest))
        return None if item is None else (_decode_invitation(item), _decode_acceptance(item))

    def accept(
        self, digest: str, invitation: Invitation, acceptance: Acceptance, event: AuditEvent
    ) -> Acceptance | None:
        """Accept an invitation and add the audit event, in one transaction.

        Return the acceptance. If the invitation was already accepted, write nothing and return the earlier acceptance.
        Return ``None`` if it has expired or does not exist.
        """
        accepted = {
            **_encode_invitation(digest, invitation),
            "visitor": {"S": acceptance.previous_session_id},
            "session": {"S": acceptance.session_id},
            "accepted": {"N": str(acceptance.accepted_at)},
        }
        not_accepted = {
            "ConditionExpression": "expires > :now AND attribute_not_exists(accepted)",
            "ExpressionAttributeValues": {":now": {"N": str(acceptance.accepted_at)}},
        }
        try:
            put = Action.put(TransactionRole.RESOURCE, accepted, not_accepted)
            self._commit(invitation.tenant_id, [put], event)
        except ConditionFailed:
            stored = self.get(digest)
            if stored is None:
                return None
            stored_invitation, earlier_acceptance = stored
            return earlier_acceptance if stored_invitation.expires > acceptance.accepted_at else None
        return acceptance

    def _commit(self, tenant_id: str, actions: Sequence[Action], event: AuditEvent) -> None:
        """Write the items and the audit event in one transaction. Raise :class:`ConditionFailed`."""
        partition_key = keys.settings_partition(tenant_id)
        record = items.encode_audit_event(partition_key, keys.audit_event_key(event.at, event.id), event)
        commit(self._table, actions, record, self._new_id(), self._new_id)


def _encode_link_request(tenant_id: str, at: str, expires: float) -> Item:
    return {
        **keys.primary_key(console_keys.CONSOLE_PARTITION, console_keys.link_request_key(tenant_id)),
        "at": {"S": at},
        "ttl": {"N": str(int(expires))},
    }


def _encode_invitation(digest: str, invitation: Invitation) -> Item:
    return {
        **keys.primary_key(console_keys.CONSOLE_PARTITION, console_keys.invitation_key(digest)),
        "tenant": {"S": invitation.tenant_id},
        "generation": {"N": str(invitation.invitation_epoch)},
        "expires": {"N": str(invitation.expires)},
        "created": {"N": str(invitation.created)},
        "ttl": {"N": str(int(invitation.expires))},
    }


def _decode_acceptance(item: Item) -> Acceptance | None:
    if "accepted" not in item:
        return None
    return Acceptance(item["visitor"]["S"], item["session"]["S"], float(item["accepted"]["N"]))


def _decode_invitation(item: Item) -> Invitation:
    created = float(item["created"]["N"]) if "created" in item else 0.0
    return Invitation(item["tenant"]["S"], float(item["expires"]["N"]), int(item["generation"]["N"]), created)
