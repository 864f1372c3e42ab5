"""A request of somebody: who it is, and what may be done for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers.console.rendering import render
from handlers.console.request import ConsoleRequest
from handlers.console.response import Page, PageNotFound
from handlers.console.sessions import OPERATOR, Session, Sessions
from scim import wiring
from scim.service.audit.log import AuditLog
from scim.service.console.invitations import Invitations, console_url
from scim.service.console.password_login import PasswordLogin
from scim.service.deadline import Deadline
from scim.service.model.tenant import Tenant
from scim.service.tenants.overview import OVERVIEW_S, TenantOverview, load_overview
from scim.service.tenants.tenants import TENANT_ID, Tenants
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.console import DynamoDBConsoleStore, DynamoDBInvitationStore
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore

if TYPE_CHECKING:
    from scim.auth.oidc import OpenIdProvider

PASSWORD, SIGN_IN, INVITATION = "password", "sign-in", "invitation"


@dataclass(frozen=True)
class ConsoleRequestContext:
    """``report`` logs a fault. What is cached is read once a request."""

    request: ConsoleRequest
    console: wiring.ConsoleAdapters
    deadline: Deadline
    sessions: Sessions
    session: Session
    scim_url: str
    report: Callable[[Exception], None]

    @property
    def is_new(self) -> bool:
        """Whether the browser doesn't have the session yet."""
        return self.sessions.read(self.request.cookies) != self.session

    def as_stranger(self) -> ConsoleRequestContext:
        """The same of somebody who has not signed in."""
        return replace(self, session=self.sessions.new())

    # What the use cases are built of

    @cached_property
    def calls(self) -> Table:
        return self.console.dynamo(self.deadline)

    @cached_property
    def store(self) -> DynamoDBTenantStore:
        return DynamoDBTenantStore(self.calls, wiring.new_id)

    @cached_property
    def kept(self) -> DynamoDBConsoleStore:
        return DynamoDBConsoleStore(self.calls)

    @property
    def tenants(self) -> Tenants:
        return Tenants(self.store, self.console.secrets, self.session.actor, time.time, wiring.new_id)

    @property
    def invitations(self) -> Invitations:
        store = DynamoDBInvitationStore(self.calls, wiring.new_id)
        return Invitations(self.store, store, self.kept, self.session.actor, time.time, wiring.new_id)

    @property
    def signing_in(self) -> PasswordLogin:
        return PasswordLogin(self.kept, self.console.password.value, time.time)

    def users(self, tenant: Tenant) -> DynamoDBResourceStore:
        return DynamoDBResourceStore(self.calls, self.console.layout, tenant.id, tenant.resource_types[0])

    def records(self, tenant_id: str, calls: Table | None = None) -> DynamoDBAuditLogStore:
        return DynamoDBAuditLogStore(calls or self.calls, tenant_id, time.time)

    def overview(self, tenant: Tenant, *, is_report: bool = False) -> TenantOverview:
        """Return the overview of a tenant; as a report it has the warnings and the share of failures."""
        return load_overview(tenant, self.store, self.records(tenant.id), self.sessions.now, is_report=is_report)

    def overview_in_list(self, tenant_id: str) -> TenantOverview | None:
        """Return the overview of one tenant of a list, within the time that such a one has; ``None`` for no tenant."""
        calls = self.calls.with_deadline(self.deadline.with_limit(OVERVIEW_S))
        store = DynamoDBTenantStore(calls, wiring.new_id)
        if (tenant := store.get(tenant_id)) is None:
            return None
        return load_overview(tenant, store, self.records(tenant_id, calls), self.sessions.now)

    def log(self, tenant: Tenant) -> AuditLog:
        records = self.records(tenant.id)
        return AuditLog(
            records, self.users(tenant), tenant, lambda: self.store.get_last_token_usage(tenant.id), wiring.now
        )

    # Who it is

    @property
    def is_operator(self) -> bool:
        return self.session.role == OPERATOR

    @property
    def proof(self) -> str:
        """What it takes to make sure again who it is: nothing for some minutes, then one of these three."""
        if self.session.is_fresh(self.sessions.now):
            return ""
        if not self.is_operator:
            return INVITATION
        return PASSWORD if self.openid is None else SIGN_IN

    @cached_property
    def credential(self) -> str:
        """Return a digest of what lets operators in: the password, or all settings of the OpenID provider.

        An operator's session ends when this changes.
        """
        settings = self.openid.serialize() if self.openid else self.console.password.value()
        return self.sessions.credential(settings)

    @cached_property
    def openid(self) -> OpenIdProvider | None:
        """Where operators sign in; ``None`` if by the password."""
        return self.console.openid_provider()

    def require_operator(self) -> None:
        """Raises :class:`PageNotFound`."""
        if not self.is_operator:
            raise PageNotFound

    def tenant(self, tenant_id: str) -> Tenant:
        """A tenant that this visitor may see. Raises :class:`PageNotFound`."""
        found = self.store.get(tenant_id) if TENANT_ID.fullmatch(tenant_id) else None
        if found is None or not self.session.may_see(found):
            raise PageNotFound
        return found

    # What is answered

    def page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Page:
        return Page(render(template, **self._common, **values), status)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "csrf": self.sessions.csrf(self.session),
            "session": self.session,
            "is_operator": self.is_operator,
            "proof": self.proof,
            "has_openid": self.openid is not None,
            "scim_url": self.scim_url,
            "now": self.sessions.now,
        }

    @property
    def console_url(self) -> str:
        """The console's own address."""
        return console_url(self.scim_url)
