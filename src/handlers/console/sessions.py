"""Sessions in signed cookies, and the tokens that bind a form to its session (CSRF).

A cookie is base64url of the session as JSON, a dot, and base64url of its HMAC-SHA-256 (RFC 2104). A visitor who has not
signed in has a session too, which binds the sign-in form to the browser.
"""

from __future__ import annotations

import binascii
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hmac import compare_digest, digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.service.model.tenant import Tenant

LIFETIME_S = 8 * 3_600
RECENT_S = 300
"""For how long after signing in sensitive actions are possible without signing in again."""


class Role(StrEnum):
    """Whose session it is."""

    VISITOR = ""
    """Somebody who has not signed in."""
    OPERATOR = "operator"
    GUEST = "invited"
    """Somebody who has accepted an invitation to one tenant."""


@dataclass(frozen=True, slots=True)
class Session:
    """``tenant`` is the only one that an invited person can see. Times are in seconds since 1970.

    ``credential_digest`` is of the credentials at the sign-in: the session ends when they change. ``invitation_epoch``
    is that of the accepted invitation. ``requested_path`` is the page to go to after signing in.
    """

    id: str
    started_at: int
    role: Role = Role.VISITOR
    actor: str = ""
    tenant_id: str = ""
    authenticated_at: int = 0
    credential_digest: str = ""
    invitation_epoch: int = 0
    requested_path: str = ""

    def can_see(self, tenant: Tenant) -> bool:
        """Return whether the person may see a tenant.

        An invited person may, as long as the tenant is connected and its invitations are not revoked.
        """
        if self.role == Role.OPERATOR:
            return True
        is_guest = self.role == Role.GUEST and self.tenant_id == tenant.id
        return is_guest and tenant.is_connected and self.invitation_epoch == tenant.invitation_epoch

    def is_recently_authenticated(self, now: float) -> bool:
        return now - self.authenticated_at < RECENT_S

    @property
    def expires(self) -> int:
        return self.started_at + LIFETIME_S


_COOKIE_MEMBERS = {
    "started_at": "began",
    "tenant_id": "tenant",
    "authenticated_at": "authenticated",
    "credential_digest": "credential",
    "invitation_epoch": "generation",
    "requested_path": "wanted",
}
"""The names of fields in the JSON of a cookie, where they differ: cookies of the version before stay valid."""
_FIELDS = {member: name for name, member in _COOKIE_MEMBERS.items()}


@dataclass(frozen=True, slots=True)
class SessionCodec:
    """Creates, reads and writes the sessions of one request. ``key`` signs; ``now`` is in seconds since 1970.

    ``is_secure`` is whether the console is served by HTTPS, as it is everywhere but in a local run.
    """

    key: bytes
    now: float
    is_secure: bool

    @property
    def cookie_name(self) -> str:
        """The prefix ``__Host-`` binds the cookie to this host (RFC 6265bis section 4.1.3.2)."""
        return "__Host-muster" if self.is_secure else "muster"

    def create_session(self) -> Session:
        """Return the session of a visitor who has not signed in."""
        return Session(secrets.token_urlsafe(18), int(self.now))

    def create_operator_session(self, actor: str, *, credential_digest: str, authenticated_at: float) -> Session:
        """Return the session of an operator who signed in at ``authenticated_at``, in seconds since 1970.

        It has a new id, since somebody could have planted the session before (session fixation). A time in the future
        counts as now, so that no session is recent for longer than five minutes from here.
        """
        authenticated_at = int(min(authenticated_at, self.now))
        return replace(
            self.create_session(),
            role=Role.OPERATOR,
            actor=actor,
            authenticated_at=authenticated_at,
            credential_digest=credential_digest,
        )

    def create_guest_session(
        self, actor: str, tenant_id: str, invitation_epoch: int, *, session_id: str, accepted_at: float
    ) -> Session:
        """Return the session of an invitation accepted at ``accepted_at``: the same one for each repetition."""
        started_at = int(accepted_at)
        return Session(
            session_id,
            started_at,
            Role.GUEST,
            actor,
            tenant_id,
            authenticated_at=started_at,
            invitation_epoch=invitation_epoch,
        )

    def read(self, cookies: Mapping[str, str]) -> Session | None:
        """Return the session of a request; ``None`` without one, or if it is not signed by us or has expired."""
        payload, _, mac = cookies.get(self.cookie_name, "").partition(".")
        if not compare_digest(mac.encode(errors="replace"), self._compute_mac("session", payload)):
            return None
        try:
            session = _decode(payload)
        except (binascii.Error, TypeError, ValueError):
            return None
        return session if session.started_at <= self.now < session.expires else None

    def create_cookie(self, session: Session) -> str:
        """Return the cookie of a session."""
        payload = _encode(session)
        max_age = max(session.expires - int(self.now), 0)
        return self._format_cookie(f"{payload}.{self._compute_mac('session', payload).decode()}", max_age)

    def create_expired_cookie(self) -> str:
        """Return a cookie that has the browser delete the session."""
        return self._format_cookie("", 0)

    def create_form_token(self, session: Session) -> str:
        """Return the token that the forms of a session carry (CSRF)."""
        return self._compute_mac("form", session.id).decode()

    def is_form_token(self, session: Session, token: str) -> bool:
        return compare_digest(token.encode(errors="replace"), self._compute_mac("form", session.id))

    def derive_value(self, purpose: str, session: Session) -> str:
        """Return 43 characters that nobody can guess, and that are always the same for a session and purpose."""
        return self._compute_mac(purpose, session.id).decode()

    def digest_credential(self, credential: str) -> str:
        """Return a short digest of credentials, from which nothing can be learned without the key."""
        return self._compute_mac("credential", credential)[:16].decode()

    def _format_cookie(self, value: str, max_age: int) -> str:
        secure = "; Secure" if self.is_secure else ""
        return f"{self.cookie_name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"

    def _compute_mac(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}\0{text}".encode(errors="replace")
        return urlsafe_b64encode(digest(self.key, message, "sha256")).rstrip(b"=")


def _encode(session: Session) -> str:
    members = {_COOKIE_MEMBERS.get(name, name): value for name, value in asdict(session).items()}
    return urlsafe_b64encode(json.dumps(members, separators=(",", ":")).encode()).decode()


def _decode(payload: str) -> Session:
    """Raises ``ValueError`` or ``TypeError`` for what is not a session."""
    members = json.loads(urlsafe_b64decode(payload))
    session = Session(**{_FIELDS.get(member, member): value for member, value in members.items()})
    return replace(session, role=Role(session.role))
