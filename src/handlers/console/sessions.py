"""Who is there: sessions in signed cookies, and the tokens that tie a form to its session.

A cookie is base64url of the session as JSON, a dot, and base64url of its HMAC-SHA-256 (RFC 2104). Whoever has not
signed in has a session too, so that the form to sign in is tied to its browser.
"""

from __future__ import annotations

import binascii
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hmac import compare_digest, digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.service.model.tenant import Tenant

LIFETIME_S = 8 * 3_600
FRESH_S = 300
"""For how long after signing in a token may be made or shown without saying again who one is."""
OPERATOR, INVITED = "operator", "invited"


@dataclass(frozen=True, slots=True)
class Session:
    """``role`` is empty for whoever has not signed in; ``tenant`` confines an invited person. Seconds since 1970.

    ``credential`` is what of the credentials the session hangs on: with others it is over. ``generation`` is that of
    the invitation. ``wanted`` is the page that was asked for before signing in, or signing in again, came between.
    """

    id: str
    began: int
    role: str = ""
    actor: str = ""
    tenant: str = ""
    authenticated: int = 0
    credential: str = ""
    generation: int = 0
    wanted: str = ""

    def may_see(self, tenant: Tenant) -> bool:
        """An invited person one tenant, as long as it is connected and nobody has withdrawn its invitations."""
        if self.role == OPERATOR:
            return True
        is_invited = self.role == INVITED and self.tenant == tenant.id
        return is_invited and tenant.is_connected and self.generation == tenant.invitation_epoch

    def is_fresh(self, now: float) -> bool:
        return now - self.authenticated < FRESH_S

    @property
    def expires(self) -> int:
        return self.began + LIFETIME_S


@dataclass(frozen=True, slots=True)
class Sessions:
    """``key`` signs; ``secure`` is whether the console is served by HTTPS, as it is everywhere but on a laptop."""

    key: bytes
    now: float
    secure: bool

    @property
    def cookie(self) -> str:
        """Its name; the prefix binds the cookie to this host (RFC 6265bis section 4.1.3.2)."""
        return "__Host-muster" if self.secure else "muster"

    def new(self) -> Session:
        return Session(secrets.token_urlsafe(18), int(self.now))

    def signed_in(self, actor: str, *, credential: str, authenticated: float) -> Session:
        """Return the session of an operator who has signed in at ``authenticated``, in seconds since 1970.

        It has an id of its own, since somebody could have planted the session of before. A time in the future is now:
        a session is never fresh for longer than five minutes from here.
        """
        authenticated = int(min(authenticated, self.now))
        return replace(self.new(), role=OPERATOR, actor=actor, authenticated=authenticated, credential=credential)

    def invited(self, actor: str, tenant: str, generation: int, *, session_id: str, accepted: float) -> Session:
        """Return the session that an invitation opened at ``accepted``: the same one, however often it is requested."""
        session = Session(session_id, int(accepted), INVITED, actor, tenant, authenticated=int(accepted))
        return replace(session, generation=generation)

    def read(self, cookies: Mapping[str, str]) -> Session | None:
        """The session of a request; ``None`` without one, for one that is none of ours, and for one that is over."""
        payload, _, mac = cookies.get(self.cookie, "").partition(".")
        if not compare_digest(mac.encode(errors="replace"), self._mac("session", payload)):
            return None
        try:
            session = Session(**json.loads(urlsafe_b64decode(payload)))
        except (binascii.Error, TypeError, ValueError):
            return None
        return session if session.began <= self.now < session.expires else None

    def write(self, session: Session) -> str:
        """The cookie for a session."""
        payload = urlsafe_b64encode(json.dumps(asdict(session), separators=(",", ":")).encode()).decode()
        age = max(session.expires - int(self.now), 0)
        return self._cookie(f"{payload}.{self._mac('session', payload).decode()}", age)

    def forget(self) -> str:
        return self._cookie("", 0)

    def csrf(self, session: Session) -> str:
        """The token that forms of a session carry."""
        return self._mac("form", session.id).decode()

    def is_own_form(self, session: Session, token: str) -> bool:
        return compare_digest(token.encode(errors="replace"), self._mac("form", session.id))

    def sealed(self, purpose: str, session: Session) -> str:
        """A value for one purpose that nobody can guess and this session can always make again: 43 characters."""
        return self._mac(purpose, session.id).decode()

    def credential(self, text: str) -> str:
        """A short digest of credentials, which tells nothing of them without the key."""
        return self._mac("credential", text)[:16].decode()

    def _cookie(self, value: str, age: int) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{self.cookie}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"

    def _mac(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}\0{text}".encode(errors="replace")
        return urlsafe_b64encode(digest(self.key, message, "sha256")).rstrip(b"=")
