"""Sign-in and sign-out: operators with the password or at an OpenID provider, IT admins with an invitation."""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING

from handlers.console.context import ConsoleRequestContext, ReauthenticationMethod
from handlers.console.outcomes import Outcome
from handlers.console.response import (
    BASE,
    ConsoleResponse,
    PageError,
    PageNotFound,
    redirect_to_page,
    redirect_to_path,
    restrict_to_console,
)
from handlers.console.sessions import Role, Session
from scim.service.console.invitations import InvalidInvitation, guest_actor
from scim.service.console.password_sign_in import TooManyAttempts, WeakPassword, WrongPassword

if TYPE_CHECKING:
    from scim.auth.console_sign_in.openid_provider import OpenIdProvider

_SIGN_IN_FAILED = "Sign-in failed"

_NO_AUTH_TIME_MESSAGE = (
    "The console cannot check when you signed in, because the ID token has no auth_time claim. To make changes here, "
    "add this claim to the ID token at your OpenID provider, or use the muster command."
)
_OLD_SIGN_IN_MESSAGE = (
    "Your sign-in at the OpenID provider is older than five minutes, and the provider did not ask you to sign in "
    "again. Sign out at the provider and try again, or use the muster command."
)


def show_sign_in(context: ConsoleRequestContext) -> ConsoleResponse:
    """Return the sign-in page, or redirect to the start page if the visitor is signed in."""
    return redirect_to_page() if context.session.role else context.render_page("sign-in.html", error_text="")


def sign_in_with_password(context: ConsoleRequestContext) -> ConsoleResponse:
    """Sign in an operator with the password. Raise :class:`PageError`."""
    if context.openid_provider is not None:
        raise PageNotFound
    try:
        _verify_password(context)
    except WrongPassword as error:
        return context.render_page("sign-in.html", HTTPStatus.FORBIDDEN, error_text=_describe_wrong_password(error))
    now = context.session_codec.now
    session = context.session_codec.create_operator_session(
        "console:operator", credential_digest=context.credential_digest, authenticated_at=now
    )
    return _start_session(context, session, context.session.requested_path)


def start_openid_sign_in(context: ConsoleRequestContext) -> ConsoleResponse:
    """Redirect to the company's OpenID provider. An operator who is already signed in has to sign in again there."""
    provider, sign_in_denied = _require_openid_provider(context)
    try:
        url = provider.build_authorization_url(
            _build_callback_url(context), *_derive_openid_values(context), is_reauthentication=context.is_operator
        )
    except sign_in_denied as error:
        raise PageError(HTTPStatus.FORBIDDEN, str(error), title=_SIGN_IN_FAILED) from error
    requested_path = restrict_to_console(context.request.query_parameters.get("to", context.session.requested_path))
    session = replace(context.session, requested_path=requested_path)
    return ConsoleResponse(
        status=HTTPStatus.SEE_OTHER, headers={"Location": url}, cookies=(context.session_codec.create_cookie(session),)
    )


def finish_openid_sign_in(context: ConsoleRequestContext) -> ConsoleResponse:
    """Sign in an operator who returns from the OpenID provider. Raise :class:`PageError`."""
    provider, sign_in_denied = _require_openid_provider(context)
    query = context.request.query_parameters
    state, nonce, verifier = _derive_openid_values(context)
    if not compare_digest(query.get("state", "").encode(errors="replace"), state.encode()):
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "This sign-in was started in another browser, or too long ago. Sign in again.",
            title=_SIGN_IN_FAILED,
        )
    if query.get("iss", provider.issuer) != provider.issuer:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "The response came from an unexpected OpenID provider. Sign in again.",
            title=_SIGN_IN_FAILED,
        )
    if "code" not in query:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "You did not complete the sign-in at the OpenID provider. Sign in again.",
            title=_SIGN_IN_FAILED,
        )
    try:
        person = provider.authenticate_user(query["code"], _build_callback_url(context), nonce, verifier)
    except sign_in_denied as error:
        raise PageError(HTTPStatus.FORBIDDEN, str(error), title=_SIGN_IN_FAILED) from error
    session = context.session_codec.create_operator_session(
        f"console:{person.name}",
        credential_digest=context.credential_digest,
        authenticated_at=person.auth_time or 0,
    )
    if context.is_operator and not session.is_recently_authenticated(context.session_codec.now):
        message = _OLD_SIGN_IN_MESSAGE if person.auth_time else _NO_AUTH_TIME_MESSAGE
        raise PageError(HTTPStatus.FORBIDDEN, message, title=_SIGN_IN_FAILED)
    return _start_session(context, session, context.session.requested_path)


def _require_openid_provider(context: ConsoleRequestContext) -> tuple[OpenIdProvider, type[Exception]]:
    """Return the OpenID provider and the error that it raises, which is imported only if there is a provider."""
    if context.openid_provider is None:
        raise PageNotFound
    from scim.auth.console_sign_in.openid_provider import SignInDenied

    return context.openid_provider, SignInDenied


def _build_callback_url(context: ConsoleRequestContext) -> str:
    return f"{context.console_url}/oidc/callback"


def _derive_openid_values(context: ConsoleRequestContext) -> tuple[str, str, str]:
    """Return ``state``, ``nonce`` and PKCE code verifier: digests of the session id (OpenID Connect Core 15.5.2)."""
    state, nonce, verifier = (
        context.session_codec.derive_secret(f"oidc {name}", context.session) for name in ("state", "nonce", "pkce")
    )
    return state, nonce, verifier


def sign_out(context: ConsoleRequestContext) -> ConsoleResponse:
    """End the session, and redirect to the sign-in page."""
    context.administration.console_store.mark_ended(context.session.id, context.session.expires)
    cookie = context.session_codec.create_expired_cookie()
    outcome = Outcome.SIGNED_OUT if context.is_operator else Outcome.GUEST_SIGNED_OUT
    return redirect_to_path(f"{BASE}/sign-in", cookie, outcome=outcome)


def show_invitation(context: ConsoleRequestContext, secret: str) -> ConsoleResponse:
    """Ask whether to accept an invitation. A GET does not accept it, since mail scanners also open links."""
    try:
        invitation = context.administration.invitations.find(secret, context.session.id)
    except InvalidInvitation as error:
        return _respond_to_invalid_invitation(context, secret, error)
    product = context.administration.console_store.get_product()
    return context.render_page(
        "invitation.html", tenant=invitation.tenant_id, expires=invitation.expires, product=product
    )


def accept_invitation(context: ConsoleRequestContext, secret: str) -> ConsoleResponse:
    """Accept an invitation, and start the session of a guest."""
    try:
        invitation, acceptance = context.administration.invitations.accept(
            secret, context.session.id, context.session_codec.create_session().id
        )
    except InvalidInvitation as error:
        return _respond_to_invalid_invitation(context, secret, error)
    tenant_id = invitation.tenant_id
    session = context.session_codec.create_guest_session(
        guest_actor(tenant_id),
        tenant_id,
        invitation.invitation_epoch,
        session_id=acceptance.session_id,
        accepted_at=acceptance.accepted_at,
    )
    return _start_session(context, session, f"{BASE}/tenants/{tenant_id}/connect", Outcome.INVITATION_ACCEPTED)


def request_link_with_invitation(context: ConsoleRequestContext, secret: str) -> ConsoleResponse:
    """Ask the operators for a new link, with a link that was used before or has expired.

    The page of the link then says since when they see the request.
    """
    try:
        is_requested = context.administration.invitations.request_link_with_invitation(secret, context.session.id)
    except InvalidInvitation as error:
        return _respond_to_invalid_invitation(context, secret, error)
    return redirect_to_page("invitation", secret, outcome=Outcome.LINK_REQUESTED if is_requested else None)


def _respond_to_invalid_invitation(
    context: ConsoleRequestContext, secret: str, error: InvalidInvitation
) -> ConsoleResponse:
    """Redirect a guest who is still signed in for the customer of the invitation. Else say how to get a new one."""
    requested_at = ""
    if error.tenant_id:
        tenant = context.administration.tenant_store.get(error.tenant_id)
        if context.session.role == Role.GUEST and tenant is not None and context.session.can_see(tenant):
            return redirect_to_page("tenants", tenant.id, "connect")
        requested_at = context.administration.invitations.get_link_request(error.tenant_id)
    return context.render_page(
        "invitation-gone.html",
        HTTPStatus.GONE,
        request_path=f"{BASE}/invitation/{secret}/request" if error.tenant_id else "",
        requested_at=requested_at,
    )


def require_recent_sign_in(context: ConsoleRequestContext) -> None:
    """Raise :class:`PageError` unless the sign-in is less than five minutes old, or the form has the password."""
    if context.reauthentication is ReauthenticationMethod.INVITATION:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Nothing was changed, because you opened your link more than five minutes ago. To create or revoke a "
            "token, you need a new invitation link. Go back to Token, and select: Ask for a new link.",
        )
    if context.reauthentication is ReauthenticationMethod.SIGN_IN:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Nothing was changed, because you signed in more than five minutes ago. Go back, reload the page, and sign "
            "in again.",
        )
    if context.reauthentication is ReauthenticationMethod.PASSWORD and not context.request.form.get("password"):
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Nothing was changed, because you signed in more than five minutes ago. Go back, reload the page, and "
            "enter the admin password.",
        )
    if context.reauthentication is ReauthenticationMethod.PASSWORD:
        try:
            _verify_password(context)
        except WrongPassword as error:
            message = f"Nothing was changed. {_describe_wrong_password(error)} Go back to try again."
            raise PageError(HTTPStatus.FORBIDDEN, message) from None


def _verify_password(context: ConsoleRequestContext) -> None:
    """Raise :class:`WrongPassword` unless the form has the operators' password. Count the attempt.

    Raise :class:`PageError` if no attempt is allowed.
    """
    try:
        context.password_sign_in.verify(context.request.form.get("password", ""), context.request.source_ip)
    except TooManyAttempts as error:
        minutes = -(-error.retry_s // 60)
        raise PageError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Too many attempts. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
            {"Retry-After": str(error.retry_s)},
            title=_SIGN_IN_FAILED,
        ) from None
    except WeakPassword:
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Sign-in is disabled: the admin password in Secrets Manager has fewer than 20 characters.",
            title=_SIGN_IN_FAILED,
        ) from None


def _describe_wrong_password(error: WrongPassword) -> str:
    return f"Wrong password. {error.attempts_left} {'attempt' if error.attempts_left == 1 else 'attempts'} left."


def _start_session(
    context: ConsoleRequestContext, session: Session, path: str, outcome: Outcome = Outcome.SIGNED_IN
) -> ConsoleResponse:
    """Redirect to a path with a new session, and end the previous session."""
    if context.session.role:
        context.administration.console_store.mark_ended(context.session.id, context.session.expires)
    return redirect_to_path(path, context.session_codec.create_cookie(session), outcome=outcome)
