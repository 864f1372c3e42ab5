"""Getting in and out: the operator by the password, an IT admin by an invitation."""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING

from handlers.console.context import INVITATION, PASSWORD, SIGN_IN, ConsoleRequestContext
from handlers.console.response import BASE, Page, PageError, PageNotFound, console_path, redirect, redirect_to
from handlers.console.sessions import Session
from scim.service.console.invitations import InvitationGone, guest_actor
from scim.service.console.password_login import TooManyAttempts, WeakPassword

if TYPE_CHECKING:
    from scim.auth.oidc import OpenIdProvider

_UNTOLD = (
    "Your company's provider does not tell when you signed in: the ID token has no claim auth_time. What wants a new "
    "sign-in can't be done here. Have the provider add the claim to the ID token, or use the command line muster."
)
_NOT_FRESH = (
    "Your company's provider has not asked you to sign in again: your sign-in there is older than five minutes. Sign "
    "out there and begin again, or use the command line muster."
)


def sign_in_form(visit: ConsoleRequestContext) -> Page:
    return redirect() if visit.session.role else visit.page("sign-in.html", wrong=False)


def sign_in(visit: ConsoleRequestContext) -> Page:
    if visit.openid is not None:
        raise PageNotFound
    if not is_operators_password(visit):
        return visit.page("sign-in.html", HTTPStatus.FORBIDDEN, wrong=True)
    now = visit.sessions.now
    session = visit.sessions.signed_in("console:operator", credential=visit.credential, authenticated=now)
    return _enter(visit, session, visit.session.wanted)


def to_provider(visit: ConsoleRequestContext) -> Page:
    """Go to the company's OpenID provider; an operator who is signed in proves anew who it is."""
    provider, admission_errors = _provider(visit)
    try:
        url = provider.sign_in_url(_callback(visit), *_matching(visit), again=visit.is_operator)
    except admission_errors as error:
        raise PageError(HTTPStatus.FORBIDDEN, str(error)) from error
    session = replace(visit.session, wanted=console_path(visit.request.asked.get("to", visit.session.wanted)))
    return Page(status=HTTPStatus.SEE_OTHER, headers={"Location": url}, cookies=(visit.sessions.write(session),))


def from_provider(visit: ConsoleRequestContext) -> Page:
    """Come back from it."""
    provider, admission_errors = _provider(visit)
    query = visit.request.asked
    state, nonce, verifier = _matching(visit)
    if not compare_digest(query.get("state", "").encode(errors="replace"), state.encode()):
        raise PageError(
            HTTPStatus.FORBIDDEN, "This sign-in was not begun in this browser, or too long ago: begin again."
        )
    if query.get("iss", provider.issuer) != provider.issuer:
        raise PageError(HTTPStatus.FORBIDDEN, "The answer comes from another provider.")
    if "code" not in query:
        raise PageError(HTTPStatus.FORBIDDEN, "The company's sign-in was not completed.")
    try:
        person = provider.person(query["code"], _callback(visit), nonce, verifier)
    except admission_errors as error:
        raise PageError(HTTPStatus.FORBIDDEN, str(error)) from error
    session = visit.sessions.signed_in(
        f"console:{person.name}", credential=visit.credential, authenticated=person.authenticated or 0
    )
    if visit.is_operator and not session.is_fresh(visit.sessions.now):
        raise PageError(HTTPStatus.FORBIDDEN, _NOT_FRESH if person.authenticated else _UNTOLD)
    return _enter(visit, session, visit.session.wanted)


def _provider(visit: ConsoleRequestContext) -> tuple[OpenIdProvider, type[Exception]]:
    """The provider, and what it raises when somebody may not in: imported only where there is one."""
    if visit.openid is None:
        raise PageNotFound
    from scim.auth.oidc import SignInDenied

    return visit.openid, SignInDenied


def _callback(visit: ConsoleRequestContext) -> str:
    return f"{visit.console_url}/oidc/callback"


def _matching(visit: ConsoleRequestContext) -> tuple[str, str, str]:
    """State, nonce and code verifier: digests of the session's id (OpenID Connect Core section 15.5.2)."""
    state, nonce, verifier = (
        visit.sessions.sealed(f"oidc {name}", visit.session) for name in ("state", "nonce", "pkce")
    )
    return state, nonce, verifier


def sign_out(visit: ConsoleRequestContext) -> Page:
    visit.kept.end(visit.session.id, visit.session.expires)
    return redirect_to(f"{BASE}/sign-in", visit.sessions.forget())


def invitation(visit: ConsoleRequestContext, secret: str) -> Page:
    """Ask before the link is used up, since programs that preview links open them too."""
    try:
        found = visit.invitations.look(secret, visit.session.id)
    except InvitationGone:
        return visit.page("invitation-gone.html", HTTPStatus.GONE)
    return visit.page("invitation.html", tenant=found.tenant, expires=found.expires)


def accept(visit: ConsoleRequestContext, secret: str) -> Page:
    try:
        invitation, accepted = visit.invitations.accept(secret, visit.session.id, visit.sessions.new().id)
    except InvitationGone:
        return visit.page("invitation-gone.html", HTTPStatus.GONE)
    tenant = invitation.tenant
    session = visit.sessions.invited(
        guest_actor(tenant), tenant, invitation.invitation_epoch, session_id=accepted.session, accepted=accepted.at
    )
    return _enter(visit, session, f"{BASE}/tenants/{tenant}/connect")


def require_recent_sign_in(visit: ConsoleRequestContext) -> None:
    """Raise :class:`PageError` unless the visitor has signed in, or gives the password again, within five minutes."""
    if visit.proof == INVITATION:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "You opened the invitation more than five minutes ago. For security, tokens can only be created or revoked "
            "in the first five minutes. Ask for a new invitation; nothing was changed.",
        )
    if visit.proof == SIGN_IN:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "You signed in more than five minutes ago. Go back, load the page again and sign in again; nothing was "
            "changed.",
        )
    if visit.proof == PASSWORD and not visit.request.form.get("password"):
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "You signed in more than five minutes ago. Go back, load the page again and enter your password; nothing "
            "was changed.",
        )
    if visit.proof == PASSWORD and not is_operators_password(visit):
        raise PageError(HTTPStatus.FORBIDDEN, "The password is wrong. Go back and try again; nothing was changed.")


def is_operators_password(visit: ConsoleRequestContext) -> bool:
    """Whether the form holds the operator's password. Raises :class:`PageError`."""
    try:
        return visit.signing_in.check(visit.request.form.get("password", ""), visit.request.address)
    except TooManyAttempts as error:
        raise PageError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Too many attempts. Wait {-(-error.retry_s // 60)} min.",
            {"Retry-After": str(error.retry_s)},
        ) from None
    except WeakPassword:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Nobody can sign in: the password in Secrets Manager has fewer than 20 characters and could be guessed.",
        ) from None


def _enter(visit: ConsoleRequestContext, session: Session, page: str) -> Page:
    """Go on with another session, at the page that was wanted; the session before is over."""
    if visit.session.role:
        visit.kept.end(visit.session.id, visit.session.expires)
    return redirect_to(page, visit.sessions.write(session))
