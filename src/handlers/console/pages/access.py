"""Getting in and out: the operator by the password, an IT admin by an invitation."""

from __future__ import annotations

from http import HTTPStatus

from handlers.console.sessions import INVITED, OPERATOR, Session
from handlers.console.visit import Visit
from handlers.console.web import Failure, Page, redirect
from scim.service.invitations import InvitationGone
from scim.service.signing_in import TooManyAttempts, WeakPassword


def sign_in_form(visit: Visit) -> Page:
    return redirect() if visit.session.role else visit.page("sign-in.html", wrong=False)


def sign_in(visit: Visit) -> Page:
    if not is_operators_password(visit):
        return visit.page("sign-in.html", HTTPStatus.FORBIDDEN, wrong=True)
    return _enter(visit, visit.sessions.signed_in(OPERATOR, "console:operator", credential=visit.credential))


def sign_out(visit: Visit) -> Page:
    visit.kept.end(visit.session.id, visit.session.expires)
    page = redirect("sign-in")
    return Page(status=page.status, headers=page.headers, cookies=(visit.sessions.forget(),))


def invitation(visit: Visit, secret: str) -> Page:
    """Ask before the link is used, since programs that preview links use them too."""
    try:
        found = visit.invitations.look(secret, visit.session.id)
    except InvitationGone:
        return visit.page("invitation-gone.html", HTTPStatus.GONE)
    return visit.page("invitation.html", tenant=found.tenant, expires=found.expires)


def accept(visit: Visit, secret: str) -> Page:
    try:
        found = visit.invitations.take(secret, visit.session.id)
    except InvitationGone:
        return visit.page("invitation-gone.html", HTTPStatus.GONE)
    session = visit.sessions.signed_in(INVITED, f"console:invited:{found.tenant}", tenant=found.tenant)
    return _enter(visit, session, "tenants", found.tenant, "connect")


def confirm(visit: Visit) -> None:
    """Make sure again who it is before a token is made or shown. Raises :class:`Failure`."""
    if visit.is_fresh:
        return
    if not visit.is_operator:
        raise Failure(
            HTTPStatus.FORBIDDEN,
            "Your invitation was used some time ago. A token is only shown right after that: ask for a new invitation.",
        )
    if not is_operators_password(visit):
        raise Failure(HTTPStatus.FORBIDDEN, "The password is not right. Go back and try again; nothing was changed.")


def is_operators_password(visit: Visit) -> bool:
    """Whether the form holds the operator's password. Raises :class:`Failure`."""
    try:
        return visit.signing_in.check(visit.request.form.get("password", ""), visit.request.address)
    except TooManyAttempts as error:
        raise Failure(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Too many attempts. Wait {-(-error.retry_s // 60)} min.",
            {"Retry-After": str(error.retry_s)},
        ) from None
    except WeakPassword:
        raise Failure(
            HTTPStatus.FORBIDDEN,
            "Nobody can sign in: the password in Secrets Manager has fewer than 20 characters and could be guessed.",
        ) from None


def _enter(visit: Visit, session: Session, *parts: str) -> Page:
    """Go on with another session; the one before is over."""
    if visit.session.role:
        visit.kept.end(visit.session.id, visit.session.expires)
    page = redirect(*parts)
    return Page(status=page.status, headers=page.headers, cookies=(visit.sessions.write(session),))
