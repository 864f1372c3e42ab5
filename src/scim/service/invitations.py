"""Invitations: one-time links by which a customer's IT admin gets into the console, to one tenant and no other."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from urllib.parse import urlsplit

from scim.service.expiry import DAY_S
from scim.service.ports import Act, SettingsReader
from scim.service.tenants import connected, rfc3339

DEFAULT_LIFETIME_S = 7 * DAY_S
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class InvitationGone(Exception):
    """There is no such invitation: it never was, was used by somebody else, was withdrawn, or has expired."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """``expires`` in seconds since 1970. ``secret`` is the end of the link, and is shown once.

    It opens a tenant that is connected and still in the ``generation`` of when it was made.
    """

    tenant: str
    expires: float
    generation: int
    secret: str = field(default="", repr=False)


class InvitationStore(Protocol):
    """Invitations by the digest of their secret, which itself is stored nowhere."""

    def add(self, digest: str, invitation: Invitation, act: Act) -> None:
        """Store an invitation together with the record of who made it."""

    def get(self, digest: str) -> tuple[Invitation, str] | None:
        """An invitation, and the visitor who has used it, if one has."""

    def take(self, digest: str, invitation: Invitation, visitor: str, now: float, act: Act) -> bool:
        """Use an invitation that nobody has used and that has not expired, together with the record of who did.

        Whether it is that visitor's then: the same visitor may ask again.
        """


@dataclass(frozen=True, slots=True)
class Invitations:
    """``actor`` is who invites; ``now`` gives the seconds since 1970, ``new_id`` a random lower-case UUID."""

    settings: SettingsReader
    store: InvitationStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def invite(self, tenant_id: str, lifetime_s: float = DEFAULT_LIFETIME_S) -> Invitation:
        """Raises :class:`UnknownTenant` where no such tenant is connected."""
        tenant = connected(self.settings, tenant_id)
        now = self.now()
        invitation = Invitation(tenant_id, now + lifetime_s, tenant.generation, secrets.token_urlsafe(32))
        act = Act(self.new_id(), rfc3339(now), "invite", self.actor, {"until": rfc3339(invitation.expires)})
        self.store.add(_digest(invitation.secret), invitation, act)
        return invitation

    def look(self, secret: str, visitor: str) -> Invitation:
        """The invitation that a visitor could use; looking at it changes nothing. Raises :class:`InvitationGone`."""
        found = self.store.get(_digest(secret)) if _SECRET.fullmatch(secret) else None
        if found is None or found[0].expires <= self.now() or found[1] not in ("", visitor):
            raise InvitationGone
        tenant = self.settings.get(found[0].tenant)
        if tenant is None or not tenant.connected or tenant.generation != found[0].generation:
            raise InvitationGone
        return found[0]

    def take(self, secret: str, visitor: str) -> Invitation:
        """Use the invitation: nobody else can any more. Raises :class:`InvitationGone`."""
        invitation, now = self.look(secret, visitor), self.now()
        act = Act(self.new_id(), rfc3339(now), "accept", guest(invitation.tenant), {})
        if not self.store.take(_digest(secret), invitation, visitor, now, act):
            raise InvitationGone
        return invitation


def guest(tenant_id: str) -> str:
    """What whoever came by an invitation is called in records."""
    return f"console:invited:{tenant_id}"


def console_url(scim_url: str) -> str:
    """Where the console is: beside the SCIM endpoint, at the same host."""
    split = urlsplit(scim_url)
    return f"{split.scheme}://{split.netloc}/admin"


def link(scim_url: str, secret: str) -> str:
    """What an invited person is sent."""
    return f"{console_url(scim_url)}/invitation/{secret}"


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
