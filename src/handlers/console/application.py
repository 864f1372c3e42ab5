"""One request to the console from event to answer: session, form token, page, errors, log. Done once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.console import rendering
from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.access import require_recent_sign_in
from handlers.console.request import ConsoleRequest
from handlers.console.response import BASE, Page, PageError, PageNotFound, console_path, redirect_to
from handlers.console.routes import Proof, RouteMatch, find_route
from handlers.console.sessions import INVITED, OPERATOR, Session, Sessions
from handlers.error_logging import describe_fault
from scim import wiring
from scim.auth.master_key.key_ring import KeyPurpose
from scim.console_settings import ConsoleSettings
from scim.protocol.errors import ScimError
from scim.protocol.schema import load_user_type
from scim.service.console.invitations import REPEAT_S
from scim.service.tenants.errors import TenantError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_LOCAL = ("127.0.0.1", "localhost")


class ConsoleApplication:
    """A Lambda handler that serves the console. It is made ready before a snapshot is taken, as the others are."""

    def __init__(self) -> None:
        self._logger = Logger(use_rfc3339=True)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _ = self._adapters.layout
            load_user_type()
            rendering.prime()

    @cached_property
    def _adapters(self) -> wiring.ConsoleAdapters:
        return wiring.build_console(ConsoleSettings.from_environment(os.environ), self._report)

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The answer to a request, as API Gateway hands it over and takes it back."""
        started = time.monotonic()
        request = ConsoleRequest(event)
        line: dict[str, Any] = {"request_id": request.id, "method": request.method}
        try:
            page = self._answer(request, context.get_remaining_time_in_millis() / 1_000, line)
        except PageError as failure:
            page = _failed(failure.status, failure.message, failure.headers)
        except ScimError as error:
            if error.is_fault and isinstance(error.__cause__, Exception):
                self._report(error.__cause__, request.id)
            page = _failed(HTTPStatus(error.status), error.detail, error.headers)
        except Exception as fault:  # noqa: BLE001  # the last resort: whatever it is, the visitor gets a page
            self._report(fault, request.id)
            page = _failed(HTTPStatus.INTERNAL_SERVER_ERROR, f"The request failed; its id is {request.id}.")
        elapsed = round((time.monotonic() - started) * 1_000, 1)
        self._logger.info("console", **line, status=int(page.status), ms=elapsed)
        return page.event(https=request.domain not in _LOCAL)

    def _answer(self, request: ConsoleRequest, seconds: float, line: dict[str, Any]) -> Page:
        match = find_route(request.parts)
        line["page"] = match.route.name if match else "unknown path"
        if match is None:
            raise PageNotFound
        method = "GET" if request.method == "HEAD" else request.method
        if method not in match.route.methods:
            allowed = ", ".join(match.route.methods)
            raise PageError(
                HTTPStatus.METHOD_NOT_ALLOWED, f"This page only answers the methods {allowed}.", {"Allow": allowed}
            )
        if match.route.is_static and match.route.page:
            return match.route.page(*match.others)
        visit = self._visit(request, seconds)
        line |= {"role": visit.session.role or "visitor"}
        if match.tenant:
            line["tenant"] = match.tenant
        return self._serve(match, method, visit)

    def _serve(self, match: RouteMatch, method: str, visit: ConsoleRequestContext) -> Page:
        if method == "POST" and not visit.sessions.is_own_form(visit.session, visit.request.form.get("csrf", "")):
            raise PageError(
                HTTPStatus.FORBIDDEN,
                "The form is too old, or it is not from a page of your session. Load the page again; nothing was "
                "changed.",
            )
        if not match.route.is_public and not visit.session.role:
            wanted = console_path(visit.request.page) if method == "GET" else ""
            return redirect_to(f"{BASE}/sign-in", visit.sessions.write(replace(visit.session, wanted=wanted)))
        try:
            page = _open(match, method, visit)
        except TenantError as error:
            page = visit.page("failed.html", HTTPStatus.CONFLICT, message=str(error))
        if visit.is_new and not page.cookies:
            return Page(page.body, page.status, page.content_type, page.headers, (visit.sessions.write(visit.session),))
        return page

    def _visit(self, request: ConsoleRequest, seconds: float) -> ConsoleRequestContext:
        adapters = self._adapters
        scim_url = adapters.settings.public_url or f"https://{request.domain}/scim/v2"
        sessions = self._sessions(request, is_secure=scim_url.startswith("https:"))
        visit = ConsoleRequestContext(
            request=request,
            console=adapters,
            deadline=wiring.deadline(seconds),
            sessions=sessions,
            session=sessions.read(request.cookies) or sessions.new(),
            scim_url=scim_url,
            report=lambda fault: self._report(fault, request.id),
        )
        return visit if self._holds(visit) else visit.as_stranger()

    def _sessions(self, request: ConsoleRequest, *, is_secure: bool) -> Sessions:
        """Return the sessions under the key that signed the request's cookie, else under the key that signs now.

        A session keeps its key as long as it lasts, and with it its form tokens and what a sign-in compares.
        """
        master_key, now = self._adapters.master_key, time.time()
        candidates = [Sessions(key, now, is_secure) for key in master_key.ring().keys(KeyPurpose.SESSION)]
        new = Sessions(master_key.signing_key(KeyPurpose.SESSION), now, is_secure)
        return next((each for each in candidates if each.read(request.cookies)), new)

    def _holds(self, visit: ConsoleRequestContext) -> bool:
        """Return whether a session that is properly signed still counts."""
        session: Session = visit.session
        if not session.role:
            return True
        if session.role == OPERATOR and session.credential != visit.credential:
            return False
        if visit.kept.has_ended(session.id):
            return False
        if session.role == INVITED and visit.sessions.now < session.began + REPEAT_S:
            visit.kept.use(session.id, session.expires)  # so that its invitation can't be accepted once more
        return True

    def _report(self, fault: Exception, request_id: str | None = None) -> None:
        self._logger.error("fault", request_id=request_id, **describe_fault(fault))


def _open(match: RouteMatch, method: str, visit: ConsoleRequestContext) -> Page:
    """Return what the page or the action of a route answers to a visitor who may have it.

    Every action passes here: it is refused unless its visitor may carry it out and has the proof that it needs.
    Raises :class:`PageError`.
    """
    tenant = [visit.tenant(match.tenant)] if match.route.has_tenant else []
    if method == "GET" and match.route.page:
        return match.route.page(visit, *tenant, *match.others)
    action = match.route.action
    if action is None or not (match.route.is_public or action.is_for_guests or visit.is_operator):
        raise PageNotFound
    if action.proof is not Proof.NONE:
        require_recent_sign_in(visit)
    return action.handler(visit, *tenant, *match.others)


def _failed(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Page:
    body = rendering.render("failed.html", message=message, session=None, is_operator=False, csrf="", has_openid=False)
    return Page(body, status, headers=headers or {})
