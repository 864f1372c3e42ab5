"""Invitations: one-time links by which a customer's IT admin gets into the console, to one tenant and no other."""

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
REPEAT_S = 60
"""For how many seconds after an invitation was accepted the same request may be repeated, if its response was lost."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class InvitationGone(Exception):
    """The invitation opens nothing: it never existed, was accepted before, was revoked, or has expired."""


@dataclass(frozen=True, slots=True)
class Invitations:
    """``actor`` is who invites; ``now`` gives the seconds since 1970, ``new_id`` a random lower-case UUID."""

    settings: TenantReader
    store: InvitationStore
    sessions: SessionStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def invite(self, tenant_id: str, lifetime_s: float = DEFAULT_LIFETIME_S) -> Invitation:
        """Raises :class:`UnknownTenant` where no such tenant is connected."""
        tenant = get_connected_tenant(self.settings, tenant_id)
        now = self.now()
        invitation = Invitation(tenant_id, now + lifetime_s, tenant.invitation_epoch, secrets.token_urlsafe(32))
        act = AuditEvent(
            self.new_id(),
            format_rfc3339(now),
            AuditAction.INVITE,
            self.actor,
            {"until": format_rfc3339(invitation.expires)},
        )
        self.store.add(_digest(invitation.secret), invitation, act)
        return invitation

    def look(self, secret: str, visitor: str) -> Invitation:
        """Return the invitation that a visitor could accept, without changing it. Raises :class:`InvitationGone`."""
        invitation, _ = self._find(secret, visitor)
        return invitation

    def accept(self, secret: str, visitor: str, session: str) -> tuple[Invitation, Acceptance]:
        """Accept an invitation for the session that the visitor goes on with: nobody can accept it any more.

        The same visitor may repeat the request for a minute, as long as the session of the first response was not used:
        the response may have been lost. It gets the same session again, as old as it is then, and never another one.
        Raises :class:`InvitationGone`.
        """
        invitation, accepted = self._find(secret, visitor)
        if accepted is None:
            now = self.now()
            act = AuditEvent(self.new_id(), format_rfc3339(now), AuditAction.ACCEPT, guest_actor(invitation.tenant), {})
            accepted = self.store.accept(_digest(secret), invitation, Acceptance(visitor, session, now), act)
        if accepted is None or not (accepted.session == session or self._can_repeat(accepted, visitor)):
            raise InvitationGone
        return invitation, accepted

    def _find(self, secret: str, visitor: str) -> tuple[Invitation, Acceptance | None]:
        found = self.store.get(_digest(secret)) if _SECRET.fullmatch(secret) else None
        if found is None or found[0].expires <= self.now():
            raise InvitationGone
        invitation, accepted = found
        if accepted is not None and not self._can_repeat(accepted, visitor):
            raise InvitationGone
        tenant = self.settings.get(invitation.tenant)
        if tenant is None or not tenant.is_connected or tenant.invitation_epoch != invitation.invitation_epoch:
            raise InvitationGone
        return invitation, accepted

    def _can_repeat(self, accepted: Acceptance, visitor: str) -> bool:
        """Return whether a request can be the one that was accepted, sent again because its response was lost."""
        is_same = accepted.visitor == visitor and self.now() < accepted.at + REPEAT_S
        return is_same and self.sessions.is_unused(accepted.session)


def guest_actor(tenant_id: str) -> str:
    """What whoever came by an invitation is called in records."""
    return f"console:invited:{tenant_id}"


def console_url(scim_url: str) -> str:
    """Where the console is: beside the SCIM endpoint, at the same host."""
    split = urlsplit(scim_url)
    return f"{split.scheme}://{split.netloc}/admin"


def invitation_url(scim_url: str, secret: str) -> str:
    """What an invited person is sent."""
    return f"{console_url(scim_url)}/invitation/{secret}"


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
