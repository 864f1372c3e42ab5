"""Sessions in signed cookies, and the CSRF tokens that bind a form to its session.

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

SESSION_LIFETIME_S = 8 * 3_600
RECENT_SIGN_IN_S = 300
"""How long after a sign-in sensitive actions are possible without signing in again."""

OUTCOME_LIFETIME_S = 60
"""How long the outcome of an action waits for the next page, which follows at once."""


class Role(StrEnum):
    """The role of a person in a session."""

    VISITOR = ""
    """A person who has not signed in."""
    OPERATOR = "operator"
    GUEST = "invited"
    """The IT admin of a customer, who has accepted an invitation to one tenant."""


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a browser. Times are in seconds since 1970; ``tenant_id`` is the tenant of a guest.

    ``credential_digest`` is the digest of the credentials at the sign-in: the session ends when they change.
    ``invitation_epoch`` is that of the accepted invitation. ``requested_path`` is where to go after signing in.
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

        A guest may see the tenant of the invitation, as long as it is connected and its invitations are not revoked.
        """
        if self.role == Role.OPERATOR:
            return True
        is_guest = self.role == Role.GUEST and self.tenant_id == tenant.id
        return is_guest and tenant.is_connected and self.invitation_epoch == tenant.invitation_epoch

    def is_recently_authenticated(self, now: float) -> bool:
        """Return whether the sign-in is recent enough for sensitive actions."""
        return now - self.authenticated_at < RECENT_SIGN_IN_S

    @property
    def expires(self) -> int:
        """When the session ends, in seconds since 1970."""
        return self.started_at + SESSION_LIFETIME_S


_COOKIE_MEMBERS = {
    "started_at": "began",
    "tenant_id": "tenant",
    "authenticated_at": "authenticated",
    "credential_digest": "credential",
    "invitation_epoch": "generation",
    "requested_path": "wanted",
}
"""The names of fields in the JSON of a cookie, where they differ: cookies of the previous version stay valid."""
_FIELDS = {member: name for name, member in _COOKIE_MEMBERS.items()}


@dataclass(frozen=True, slots=True)
class SessionCodec:
    """Creates sessions, and encodes and decodes them as cookies. ``now`` is in seconds since 1970.

    ``key`` signs the cookies. Sessions that began before ``restored_at`` are invalid: the table was restored at that
    time, so it may lack a sign-out. ``is_secure`` is whether the console is served by HTTPS: only a local run is not.
    """

    key: bytes
    now: float
    is_secure: bool
    restored_at: int = 0

    @property
    def cookie_name(self) -> str:
        """The name of the cookie. The prefix ``__Host-`` binds it to this host (RFC 6265bis section 4.1.3.2)."""
        return "__Host-muster" if self.is_secure else "muster"

    def create_session(self) -> Session:
        """Return the session of a visitor who has not signed in."""
        return Session(secrets.token_urlsafe(18), int(self.now))

    def create_operator_session(self, actor: str, *, credential_digest: str, authenticated_at: float) -> Session:
        """Return the session of an operator who signed in at ``authenticated_at``, in seconds since 1970.

        It has a new id, which prevents session fixation. A time in the future counts as now, so that a sign-in is
        recent for at most five minutes.
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
        """Return the session of a guest who accepted an invitation at ``accepted_at``, in seconds since 1970.

        A repeated acceptance gets the same session.
        """
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
        """Return the session of a request; ``None`` if there is none, its signature is wrong, or it has expired."""
        payload, _, mac = cookies.get(self.cookie_name, "").partition(".")
        if not compare_digest(mac.encode(errors="replace"), self._compute_mac("session", payload)):
            return None
        try:
            session = _decode(payload)
        except (binascii.Error, TypeError, ValueError):
            return None
        is_valid = self.restored_at <= session.started_at <= self.now < session.expires
        return session if is_valid else None

    def create_cookie(self, session: Session) -> str:
        """Return the cookie of a session."""
        payload = _encode(session)
        max_age = max(session.expires - int(self.now), 0)
        return self._format_cookie(f"{payload}.{self._compute_mac('session', payload).decode()}", max_age)

    def create_expired_cookie(self) -> str:
        """Return a cookie with which the browser deletes the session."""
        return self._format_cookie("", 0)

    @property
    def outcome_cookie_name(self) -> str:
        """The name of the cookie with the outcome of an action, which the next page shows and deletes."""
        return f"{self.cookie_name}-outcome"

    def create_outcome_cookie(self, outcome: str) -> str:
        """Return the cookie with the outcome of an action; with an empty outcome, the browser deletes it.

        It is not signed: it can only select one of the sentences of :mod:`handlers.console.outcomes`.
        """
        return self._format_cookie(outcome, OUTCOME_LIFETIME_S if outcome else 0, self.outcome_cookie_name)

    def create_csrf_token(self, session: Session) -> str:
        """Return the CSRF token that the forms of a session send."""
        return self._compute_mac("form", session.id).decode()

    def is_csrf_token(self, session: Session, token: str) -> bool:
        """Return whether a form of the session has sent the token. The comparison takes constant time."""
        return compare_digest(token.encode(errors="replace"), self._compute_mac("form", session.id))

    def derive_secret(self, purpose: str, session: Session) -> str:
        """Return 43 characters that cannot be guessed, always the same for a session and a purpose."""
        return self._compute_mac(purpose, session.id).decode()

    def digest_credential(self, credential: str) -> str:
        """Return a short keyed digest of credentials, which reveals nothing without the key."""
        return self._compute_mac("credential", credential)[:16].decode()

    def _format_cookie(self, value: str, max_age: int, name: str = "") -> str:
        secure = "; Secure" if self.is_secure else ""
        return f"{name or self.cookie_name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"

    def _compute_mac(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}\0{text}".encode(errors="replace")
        return urlsafe_b64encode(digest(self.key, message, "sha256")).rstrip(b"=")


def _encode(session: Session) -> str:
    members = {_COOKIE_MEMBERS.get(name, name): value for name, value in asdict(session).items()}
    return urlsafe_b64encode(json.dumps(members, separators=(",", ":")).encode()).decode()


def _decode(payload: str) -> Session:
    """Return the session in a cookie. Raise ``ValueError`` or ``TypeError`` if it is none."""
    members = json.loads(urlsafe_b64decode(payload))
    session = Session(**{_FIELDS.get(member, member): value for member, value in members.items()})
    return replace(session, role=Role(session.role))
