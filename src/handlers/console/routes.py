"""The routes of the console: which page answers a path, who may open it, and the proof that an action needs.

A page takes a visit, the tenant where the path names one, and the other parameters of the path. It is a few lines:
read, call the use case, render.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from handlers.console.pages import access, attributes, connect, people, provisioning, static, tenants
from handlers.console.response import Page

Handler = Callable[..., Page]

TENANT = "{tenant}"
"""Stands in a path for the id of a tenant."""


class Proof(StrEnum):
    """What somebody has to prove before an action is carried out."""

    RECENT_SIGN_IN = "recent sign-in"
    """That they have signed in, or have given their password again, within the last five minutes."""
    NONE = "none"
    """Nothing: the action itself is the sign-in, or ends the session."""


@dataclass(frozen=True, slots=True)
class FormAction:
    """What answers a POST. Unless it says otherwise, it is for operators and needs a recent sign-in."""

    handler: Handler
    proof: Proof = Proof.RECENT_SIGN_IN
    is_for_guests: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A path behind ``/admin``; parts in braces match anything.

    ``name`` is what log lines call it. A public page also opens for visitors who have not signed in; a static one reads
    no session.
    """

    path: str
    name: str
    page: Handler | None = None
    action: FormAction | None = None
    is_public: bool = False
    is_static: bool = False

    @property
    def has_tenant(self) -> bool:
        return TENANT in self.path

    @property
    def methods(self) -> list[str]:
        return [method for method, answer in (("GET", self.page), ("POST", self.action)) if answer is not None]

    def match(self, parts: list[str]) -> dict[str, str] | None:
        """Return the values of the parameters in the path, ``None`` where the path is another one."""
        wanted = self.path.split("/")
        if len(wanted) != len(parts):
            return None
        found: dict[str, str] = {}
        for name, part in zip(wanted, parts, strict=True):
            if name.startswith("{"):
                found[name.strip("{}")] = part
            elif name != part:
                return None
        return found


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A route and the values of the parameters in its path."""

    route: Route
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        return self.parameters.get("tenant", "")

    @property
    def others(self) -> list[str]:
        """The parameters besides the tenant, in the order of the path."""
        return [value for name, value in self.parameters.items() if name != "tenant"]


_TENANT = f"tenants/{TENANT}"

ROUTES = (
    Route("", "tenants", tenants.index, FormAction(tenants.add)),
    Route("assets/{digest}/{name}", "asset", static.asset, is_static=True),
    Route("sign-in", "sign-in", access.sign_in_form, FormAction(access.sign_in, Proof.NONE), is_public=True),
    Route("oidc", "oidc", access.to_provider, is_public=True),
    Route("oidc/callback", "oidc callback", access.from_provider, is_public=True),
    Route("sign-out", "sign-out", action=FormAction(access.sign_out, Proof.NONE, is_for_guests=True)),
    Route(
        "invitation/{secret}", "invitation", access.invitation, FormAction(access.accept, Proof.NONE), is_public=True
    ),
    Route(_TENANT, "status", provisioning.status),
    Route(f"{_TENANT}/connect", "connect", connect.show),
    Route(f"{_TENANT}/connect/token", "token", action=FormAction(connect.issue_token, is_for_guests=True)),
    Route(f"{_TENANT}/connect/revoke", "revoke", action=FormAction(connect.revoke, is_for_guests=True)),
    Route(f"{_TENANT}/connect/disconnect", "disconnect", action=FormAction(connect.disconnect)),
    Route(f"{_TENANT}/connect/mode", "mode", action=FormAction(connect.set_mode)),
    Route(f"{_TENANT}/connect/invite", "invite", action=FormAction(connect.invite)),
    Route(f"{_TENANT}/connect/withdraw", "withdraw", action=FormAction(connect.withdraw)),
    Route(f"{_TENANT}/guide/{{provider}}", "guide", connect.guide),
    Route(f"{_TENANT}/attributes", "attributes", attributes.show),
    Route(f"{_TENANT}/attributes/add", "attributes add", action=FormAction(attributes.add)),
    Route(f"{_TENANT}/attributes/remove", "attributes remove", action=FormAction(attributes.remove)),
    Route(f"{_TENANT}/log", "log", provisioning.log),
    Route(f"{_TENANT}/people", "people", people.search),
    Route(f"{_TENANT}/people/{{id}}", "timeline", people.timeline),
    Route(f"{_TENANT}/participants", "participants", people.participants),
    Route(f"{_TENANT}/participants.csv", "participants.csv", people.export),
)


def find_route(parts: list[str]) -> RouteMatch | None:
    """Return the route of a path, given as its parts behind ``/admin`` as they were sent; they are case-sensitive."""
    for route in ROUTES:
        parameters = route.match(parts or [""])
        if parameters is not None:
            return RouteMatch(route, parameters)
    return None
