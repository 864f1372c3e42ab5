"""Create and accept invitations: one-time links that give a customer's IT admin access to one tenant in the console."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.invitation import Acceptance, Invitation
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import DAY_S
from scim.service.ports import InvitationStore, SessionStore, TenantReader
from scim.service.tenants.tenant_writer import get_connected_tenant

DEFAULT_LIFETIME_S = 7 * DAY_S
_REQUEST_LIFETIME_S = 30 * DAY_S
RETRY_WINDOW_S = 60
"""The number of seconds after the acceptance in which the same browser may repeat the request."""
_SECRET_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


class InvalidInvitation(Exception):
    """The invitation does not exist, was accepted before, was revoked, or has expired.

    ``tenant_id`` is its tenant if it was accepted before or has expired. An IT admin with such a link may
    ask for a new one. Otherwise ``tenant_id`` is empty.
    """

    def __init__(self, tenant_id: str = "") -> None:
        super().__init__()
        self.tenant_id = tenant_id


@dataclass(frozen=True, slots=True)
class InvitationService:
    """Creates and accepts invitations.

    Invitations that were created before ``restored_at`` are invalid: the table was restored at that time, so their
    revocations may be lost.
    ``actor`` is the actor in the audit events of new invitations. ``now`` returns the seconds since 1970. ``new_id``
    returns a random lower-case UUID.
    """

    tenants: TenantReader
    invitation_store: InvitationStore
    sessions: SessionStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]
    restored_at: float = 0.0

    def invite(self, tenant_id: str, lifetime_s: float = DEFAULT_LIFETIME_S) -> Invitation:
        """Create an invitation that expires in ``lifetime_s`` seconds.

        Raise :class:`UnknownTenant` if the tenant is not connected.
        """
        tenant = get_connected_tenant(self.tenants, tenant_id)
        now = self.now()
        invitation = Invitation(tenant_id, now + lifetime_s, tenant.invitation_epoch, now, secrets.token_urlsafe(32))
        details = {"until": format_rfc3339(invitation.expires)}
        event = AuditEvent(self.new_id(), format_rfc3339(now), AuditAction.INVITE, self.actor, details)
        is_requested = bool(self.get_link_request(tenant_id))
        self.invitation_store.add(_hash_secret(invitation.secret), invitation, event, ends_request=is_requested)
        return invitation

    def request_link(self, tenant_id: str) -> None:
        """Ask the operators for a new invitation. They see the request until they create one, for at most a month.

        Do nothing if it was requested before. Raise :class:`UnknownTenant` if the tenant is not connected.
        """
        get_connected_tenant(self.tenants, tenant_id)
        self._request_link(tenant_id, self.actor)

    def request_link_with_invitation(self, secret: str, session_id: str) -> bool:
        """Ask as :meth:`request_link` does, for an invitation that was accepted before or has expired.

        The arguments are those of :meth:`find`. Return whether operators see a request: an invitation that is still
        valid needs none. Raise :class:`InvalidInvitation` if it does not exist or was revoked.
        """
        try:
            self._find_invitation(secret, session_id)
        except InvalidInvitation as error:
            if not error.tenant_id:
                raise
            self._request_link(error.tenant_id, guest_actor(error.tenant_id))
            return True
        return False

    def get_link_request(self, tenant_id: str) -> str:
        """Return when a new invitation was requested for a tenant (RFC 3339 in UTC), empty for never."""
        return self.invitation_store.get_link_request(tenant_id, self.now())

    def get_link_requests(self) -> dict[str, str]:
        """Return when a new invitation was requested (RFC 3339 in UTC), by tenant."""
        return self.invitation_store.get_link_requests(self.now())

    def find(self, secret: str, session_id: str) -> Invitation:
        """Return an invitation without accepting it. ``secret`` is the last segment of the link's path.

        Raise :class:`InvalidInvitation` if the browser with the session ``session_id`` cannot accept it.
        """
        invitation, _ = self._find_invitation(secret, session_id)
        return invitation

    def accept(self, secret: str, session_id: str, new_session_id: str) -> tuple[Invitation, Acceptance]:
        """Accept an invitation, and start the session ``new_session_id``. After that no one else can accept it.

        ``session_id`` is the browser's current session. If the response is lost, the same browser may repeat the
        request within :data:`RETRY_WINDOW_S`, as long as the new session has not been used. It then gets the acceptance
        of its first attempt, with the session that was started then. Raise :class:`InvalidInvitation`.
        """
        invitation, acceptance = self._find_invitation(secret, session_id)
        if acceptance is None:
            now = self.now()
            actor = guest_actor(invitation.tenant_id)
            event = AuditEvent(self.new_id(), format_rfc3339(now), AuditAction.ACCEPT, actor, {})
            new = Acceptance(session_id, new_session_id, now)
            acceptance = self.invitation_store.accept(_hash_secret(secret), invitation, new, event)
        if acceptance is None:
            raise InvalidInvitation(invitation.tenant_id)
        if acceptance.session_id != new_session_id and not self._is_retry(acceptance, session_id):
            raise InvalidInvitation(invitation.tenant_id)
        return invitation, acceptance

    def _request_link(self, tenant_id: str, actor: str) -> None:
        if not self.get_link_request(tenant_id):
            now = self.now()
            event = AuditEvent(self.new_id(), format_rfc3339(now), AuditAction.REQUEST_LINK, actor, {})
            self.invitation_store.add_link_request(tenant_id, now + _REQUEST_LIFETIME_S, event)

    def _find_invitation(self, secret: str, session_id: str) -> tuple[Invitation, Acceptance | None]:
        """Return a valid invitation, and its acceptance if an earlier attempt of the same request has accepted it.

        Raise :class:`InvalidInvitation`.
        """
        stored = self.invitation_store.get(_hash_secret(secret)) if _SECRET_PATTERN.fullmatch(secret) else None
        if stored is None:
            raise InvalidInvitation
        invitation, acceptance = stored
        if invitation.created < self.restored_at:
            raise InvalidInvitation
        tenant = self.tenants.get(invitation.tenant_id)
        if tenant is None or not tenant.is_connected or tenant.invitation_epoch != invitation.invitation_epoch:
            raise InvalidInvitation
        if invitation.expires <= self.now():
            raise InvalidInvitation(invitation.tenant_id)
        if acceptance is not None and not self._is_retry(acceptance, session_id):
            raise InvalidInvitation(invitation.tenant_id)
        return invitation, acceptance

    def _is_retry(self, acceptance: Acceptance, session_id: str) -> bool:
        """Return whether this request may repeat the request that accepted the invitation."""
        is_same = acceptance.previous_session_id == session_id and self.now() < acceptance.accepted_at + RETRY_WINDOW_S
        return is_same and self.sessions.is_unused(acceptance.session_id)


def guest_actor(tenant_id: str) -> str:
    """Return the actor in audit events of a guest: an IT admin who has accepted an invitation to the tenant."""
    return f"console:invited:{tenant_id}"


def build_console_url(scim_url: str) -> str:
    """Return the URL of the console. It has the same host as the SCIM endpoint."""
    split = urlsplit(scim_url)
    return f"{split.scheme}://{split.netloc}/admin"


def build_invitation_url(scim_url: str, secret: str) -> str:
    """Return the URL of an invitation."""
    return f"{build_console_url(scim_url)}/invitation/{secret}"


def _hash_secret(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
