"""The console as a Lambda handler: session, CSRF token, page, errors and log line of each request."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.console import rendering
from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.connection.token_permissions import require_sign_in_for_token
from handlers.console.pages.sign_in import require_recent_sign_in
from handlers.console.request import ConsoleRequest
from handlers.console.response import (
    BASE,
    ConsoleResponse,
    PageError,
    PageNotFound,
    redirect_to_path,
    restrict_to_console,
)
from handlers.console.routes import RouteMatch, SignInRequirement, find_route
from handlers.console.sessions import Role, SessionCodec
from handlers.console.settings import ConsoleSettings
from handlers.error_logging import describe_fault
from scim.auth.master_key.key_ring import KeyPurpose
from scim.protocol.errors import ScimError
from scim.protocol.schema import load_user_type
from scim.service.console.invitations import RETRY_WINDOW_S
from scim.service.console.product import Product
from scim.service.tenants.errors import TenantError
from scim.wiring import runtime
from scim.wiring.console import ConsoleAdapters, build_console_adapters

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_LOCAL_HOSTS = ("127.0.0.1", "localhost")


@dataclass
class _ConsoleLog:
    """The fields of the log line of a request, which its steps set: it may fail at any point."""

    route_name: str = "unknown path"
    role: str = ""
    tenant_id: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the fields by name, without empty ones."""
        optional = {"role": self.role, "tenant": self.tenant_id}
        return {"page": self.route_name} | {name: value for name, value in optional.items() if value}


class ConsoleApplication:
    """A Lambda handler for the console. With SnapStart its adapters are built before the snapshot is taken."""

    def __init__(self) -> None:
        self._logger = Logger(use_rfc3339=True)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _ = self._adapters.resource_store_config
            load_user_type()
            rendering.preload()

    @cached_property
    def _adapters(self) -> ConsoleAdapters:
        settings = ConsoleSettings.from_environment(os.environ)
        return build_console_adapters(
            settings,
            password_secret=settings.password_secret,
            openid_secret=settings.openid_secret,
            report_fault=self._report_fault,
        )

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Return the response to a request, both in the gateway's payload format 2.0."""
        started = time.monotonic()
        request, log = ConsoleRequest(event), _ConsoleLog()
        response = self._build_response(request, context.get_remaining_time_in_millis() / 1_000, log)
        self._logger.info(
            "console",
            request_id=request.id,
            method=request.method,
            **log.fields(),
            status=int(response.status),
            ms=round((time.monotonic() - started) * 1_000, 1),
        )
        if request.method == "HEAD":
            response = replace(response, body="")
        return response.to_gateway_response(is_https=request.domain not in _LOCAL_HOSTS)

    def _build_response(self, request: ConsoleRequest, seconds: float, log: _ConsoleLog) -> ConsoleResponse:
        """Return the response to a request, or an error page."""
        try:
            match, method = _match_route(request, log)
            if match.route.is_static and match.route.show_page:
                return match.route.show_page(*match.path_values)
            context = self._build_context(request, seconds)
            log.role, log.tenant_id = context.session.role or "visitor", match.tenant_id
            return _open_page(match, method, context)
        except PageError as error:
            return _render_error(error)
        except ScimError as error:
            if error.is_fault and isinstance(error.__cause__, Exception):
                self._report_fault(error.__cause__, request.id)
            return _render_error(PageError(HTTPStatus(error.status), error.detail, error.headers))
        except Exception as fault:  # noqa: BLE001  # the last resort: the browser gets a page for any error
            self._report_fault(fault, request.id)
            message = f"The request failed because of an internal error. Its request id is {request.id}."
            return _render_error(PageError(HTTPStatus.INTERNAL_SERVER_ERROR, message))

    def _build_context(self, request: ConsoleRequest, seconds: float) -> ConsoleRequestContext:
        """Return the context of a request, with its session if that is valid, else with a visitor's session."""
        adapters = self._adapters
        scim_url = adapters.settings.public_url or f"https://{request.domain}/scim/v2"
        session_codec = self._choose_session_codec(request, is_secure=scim_url.startswith("https:"))
        context = ConsoleRequestContext(
            request=request,
            adapters=adapters,
            deadline=runtime.create_deadline(seconds),
            session_codec=session_codec,
            session=session_codec.read(request.cookies) or session_codec.create_session(),
            scim_url=scim_url,
            report_fault=lambda fault: self._report_fault(fault, request.id),
        )
        if not _is_session_valid(context):
            return context.as_visitor()
        _record_guest_session(context)
        return context

    def _choose_session_codec(self, request: ConsoleRequest, *, is_secure: bool) -> SessionCodec:
        """Return the codec with the key that signed the session of a request, else with the current signing key.

        A session keeps its key as long as it lasts: its CSRF tokens and the values of its sign-in depend on the key.
        """
        master_key, now = self._adapters.master_key, time.time()
        restored_at = self._adapters.settings.restored_at
        for key in master_key.get_key_ring().derive_keys(KeyPurpose.SESSION):
            session_codec = SessionCodec(key, now, is_secure, restored_at)
            if session_codec.read(request.cookies):
                return session_codec
        return SessionCodec(master_key.get_signing_key(KeyPurpose.SESSION), now, is_secure, restored_at)

    def _report_fault(self, fault: Exception, request_id: str | None = None) -> None:
        self._logger.error("fault", request_id=request_id, **describe_fault(fault))


def _match_route(request: ConsoleRequest, log: _ConsoleLog) -> tuple[RouteMatch, str]:
    """Return the route of a request and the method to serve. Raise :class:`PageError`."""
    match = find_route(request.console_path_segments)
    if match is None:
        raise PageNotFound
    log.route_name = match.route.name
    method = "GET" if request.method == "HEAD" else request.method
    if method not in match.route.methods:
        allowed = ", ".join(match.route.methods)
        raise PageError(
            HTTPStatus.METHOD_NOT_ALLOWED, f"This page only supports the method {allowed}.", {"Allow": allowed}
        )
    return match, method


def _is_session_valid(context: ConsoleRequestContext) -> bool:
    """Return whether a signed session is still valid: it was not ended, and the operators' credentials are the same."""
    session = context.session
    if session.role == Role.OPERATOR and session.credential_digest != context.credential_digest:
        return False
    return not session.role or not context.administration.console_store.has_ended(session.id)


def _record_guest_session(context: ConsoleRequestContext) -> None:
    """Record the use of a new guest session, so that the acceptance of its invitation cannot be repeated."""
    session = context.session
    if session.role == Role.GUEST and context.session_codec.now < session.started_at + RETRY_WINDOW_S:
        context.administration.console_store.mark_used(session.id, session.expires)


def _open_page(match: RouteMatch, method: str, context: ConsoleRequestContext) -> ConsoleResponse:
    """Return the response of a route, with the session's cookie if the session is new. Raise :class:`PageError`."""
    session_codec, session = context.session_codec, context.session
    if method == "POST" and not session_codec.is_csrf_token(session, context.request.form.get("csrf", "")):
        raise PageError(
            HTTPStatus.FORBIDDEN,
            "Nothing was changed, because the form is too old or does not belong to your session. Go back and reload "
            "the page.",
        )
    if not match.route.is_public and not session.role:
        requested_path = restrict_to_console(context.request.path_with_query) if method == "GET" else ""
        return redirect_to_path(
            f"{BASE}/sign-in", session_codec.create_cookie(replace(session, requested_path=requested_path))
        )
    try:
        response = _show_page(match, context) if method == "GET" else _run_action(match, context)
    except TenantError as error:
        response = context.render_page("failed.html", HTTPStatus.CONFLICT, title="Action failed", message=str(error))
    if context.is_session_new and not response.cookies:
        response = replace(response, cookies=(session_codec.create_cookie(session),))
    if response.outcome:
        return _add_outcome_cookie(response, session_codec, response.outcome)
    has_shown_outcome = context.outcome and response.status != HTTPStatus.SEE_OTHER
    return _add_outcome_cookie(response, session_codec, "") if has_shown_outcome else response


def _add_outcome_cookie(response: ConsoleResponse, session_codec: SessionCodec, outcome: str) -> ConsoleResponse:
    return replace(response, cookies=(*response.cookies, session_codec.create_outcome_cookie(outcome)))


def _show_page(match: RouteMatch, context: ConsoleRequestContext) -> ConsoleResponse:
    """Return the page of a route. Raise :class:`PageError`."""
    tenant = [context.require_tenant(match.tenant_id)] if match.route.has_tenant else []
    if match.route.show_page is None:
        raise PageNotFound
    return match.route.show_page(context, *tenant, *match.path_values)


def _run_action(match: RouteMatch, context: ConsoleRequestContext) -> ConsoleResponse:
    """Return the response to a form. Raise :class:`PageError`.

    Every action runs here: it is rejected unless the person has the permission and a sign-in as recent as required.
    """
    tenant = [context.require_tenant(match.tenant_id)] if match.route.has_tenant else []
    action = match.route.action
    if action is None or not (match.route.is_public or action.is_for_guests or context.is_operator):
        raise PageNotFound
    match action.required_sign_in:
        case SignInRequirement.RECENT:
            require_recent_sign_in(context)
        case SignInRequirement.FIRST_TOKEN:
            require_sign_in_for_token(context, *tenant)
        case SignInRequirement.NONE:
            pass
    return action.run(context, *tenant, *match.path_values)


def _render_error(error: PageError) -> ConsoleResponse:
    body = rendering.render(
        "failed.html",
        title=error.title,
        message=error.message,
        session=None,
        is_operator=False,
        csrf="",
        has_openid=False,
        outcome="",
        product=Product(),
    )
    return ConsoleResponse(body, error.status, headers=error.headers)
