"""A request to the console: its session and permissions, the use cases, and the rendering of its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers.console.outcomes import describe_outcome
from handlers.console.rendering import render
from handlers.console.request import ConsoleRequest
from handlers.console.response import ConsoleResponse, PageNotFound
from handlers.console.sessions import Role, Session, SessionCodec
from scim.service.console.invitations import build_console_url, guest_actor
from scim.service.console.password_sign_in import PasswordSignIn
from scim.service.console.product import Product
from scim.service.deadline import Deadline
from scim.service.model.tenant import Tenant
from scim.wiring.administration import Administration
from scim.wiring.console import ConsoleAdapters

if TYPE_CHECKING:
    from scim.auth.console_sign_in.openid_provider import OpenIdProvider


class ReauthenticationMethod(StrEnum):
    """What the person has to do before a sensitive action."""

    NONE = ""
    """Nothing: the sign-in is recent."""
    PASSWORD = "password"  # noqa: S105  # the field of the form
    SIGN_IN = "sign-in"
    """Sign in again at the OpenID provider."""
    INVITATION = "invitation"
    """Ask for a new invitation."""


@dataclass(frozen=True)
class ConsoleRequestContext:
    """A request to the console and what its page needs. ``report_fault`` logs a fault."""

    request: ConsoleRequest
    adapters: ConsoleAdapters
    deadline: Deadline
    session_codec: SessionCodec
    session: Session
    scim_url: str
    report_fault: Callable[[Exception], None]

    @property
    def is_session_new(self) -> bool:
        """Whether the browser does not have the cookie of the session yet."""
        return self.session_codec.read(self.request.cookies) != self.session

    def as_visitor(self) -> ConsoleRequestContext:
        """Return the context of the same request for a visitor who has not signed in."""
        return replace(self, session=self.session_codec.create_session())

    # Use cases

    @cached_property
    def administration(self) -> Administration:
        """The use cases, with the person of the session as the actor in audit events."""
        return self.adapters.build_administration(self.deadline, self.session.actor)

    @property
    def password_sign_in(self) -> PasswordSignIn:
        """The use case of signing in with the admin password."""
        return self.administration.build_password_sign_in(self.adapters.password_secret.get)

    # Permissions

    @property
    def is_operator(self) -> bool:
        """Whether an operator has signed in."""
        return self.session.role == Role.OPERATOR

    @property
    def reauthentication(self) -> ReauthenticationMethod:
        """What the person has to do before a sensitive action: nothing in the first minutes after signing in."""
        if self.session.is_recently_authenticated(self.session_codec.now):
            return ReauthenticationMethod.NONE
        if not self.is_operator:
            return ReauthenticationMethod.INVITATION
        return ReauthenticationMethod.PASSWORD if self.openid_provider is None else ReauthenticationMethod.SIGN_IN

    @cached_property
    def credential_digest(self) -> str:
        """The digest of the operators' credentials: of the password, or of all settings of the OpenID provider.

        An operator's session ends when the digest changes.
        """
        provider = self.openid_provider
        return self.session_codec.digest_credential(
            provider.serialize() if provider else self.adapters.password_secret.get()
        )

    @cached_property
    def openid_provider(self) -> OpenIdProvider | None:
        """The OpenID provider at which operators sign in; ``None`` if they use the password."""
        return self.adapters.read_openid_provider()

    @cached_property
    def product(self) -> Product:
        """The product that IT admins see: the stored one for a guest, and an empty one on other pages."""
        return self.administration.console_store.get_product() if self.session.role == Role.GUEST else Product()

    def require_operator(self) -> None:
        """Raise :class:`PageNotFound` unless the person is an operator."""
        if not self.is_operator:
            raise PageNotFound

    def require_tenant(self, tenant_id: str) -> Tenant:
        """Return a tenant. Raise :class:`PageNotFound` if it does not exist, or the person may not see it."""
        tenant = self.administration.tenant_store.get(tenant_id)
        if tenant is None or not self.session.can_see(tenant):
            raise PageNotFound
        return tenant

    def describe_actor(self, tenant: Tenant, actor: str) -> str:
        """Return the actor of an audit event of a tenant as text; empty for none. Only operators see which operator."""
        if actor == guest_actor(tenant.id):
            return "IT admin"
        return actor if self.is_operator or not actor else "the operator"

    def report_unreadable_tenant(self, _: str, fault: Exception) -> None:
        """Log why a tenant of a list could not be read."""
        self.report_fault(fault.__cause__ if isinstance(fault.__cause__, Exception) else fault)

    # Response

    def render_page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> ConsoleResponse:
        """Return a page from a template, with ``values`` and the values that all templates have."""
        return ConsoleResponse(render(template, **(self._common_values | values)), status)

    @property
    def outcome(self) -> str:
        """The sentence about the action that redirected to this page; empty if there was none."""
        return describe_outcome(self.request.cookies.get(self.session_codec.outcome_cookie_name, ""))

    @property
    def _common_values(self) -> dict[str, Any]:
        return {
            "csrf": self.session_codec.create_csrf_token(self.session),
            "session": self.session,
            "is_operator": self.is_operator,
            "reauthentication": self.reauthentication,
            "has_openid": self.openid_provider is not None,
            "scim_url": self.scim_url,
            "now": self.session_codec.now,
            "product": self.product,
            "outcome": self.outcome,
        }

    @property
    def console_url(self) -> str:
        """The URL of the console, without a slash at the end."""
        return build_console_url(self.scim_url)
