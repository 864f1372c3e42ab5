"""The routes of the console: the page of each path, its permissions, and how recent a sign-in its action requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from handlers.console.pages import (
    attributes,
    problems,
    product,
    provisioning,
    search,
    sign_in,
    static,
    tenants,
)
from handlers.console.pages.audit_log import log_export, log_page
from handlers.console.pages.connection import access, settings, setup, token
from handlers.console.pages.users import csv_files, moved, user_list, user_page
from handlers.console.response import ConsoleResponse

PageHandler = Callable[..., ConsoleResponse]
"""Takes the context of the request, the tenant if the path has one, and the other values in the path."""

TENANT_PLACEHOLDER = "{tenant}"
"""The placeholder in a path for the id of a tenant."""


class SignInRequirement(StrEnum):
    """How recent the sign-in must be for an action."""

    RECENT = "recent"
    """The person has signed in, or entered the password again, within the last five minutes."""
    FIRST_TOKEN = "first-token"  # noqa: S105  # no token
    """As ``RECENT``, unless the person is an IT admin who gets the first token."""
    NONE = "none"
    """The action needs no recent sign-in: it is harmless, or itself is the sign-in, or ends the session."""


@dataclass(frozen=True, slots=True)
class FormAction:
    """The handler of a POST. By default it is for operators only, and requires a recent sign-in."""

    run: PageHandler
    required_sign_in: SignInRequirement = SignInRequirement.RECENT
    is_for_guests: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A path after ``/admin``; segments in braces match any text.

    ``name`` is the name in log lines. A public page is also for visitors who have not signed in. A static page needs no
    session, and its handler takes no context.
    """

    path: str
    name: str
    show_page: PageHandler | None = None
    action: FormAction | None = None
    is_public: bool = False
    is_static: bool = False

    @property
    def has_tenant(self) -> bool:
        """Whether the path has the id of a tenant."""
        return TENANT_PLACEHOLDER in self.path

    @property
    def methods(self) -> list[str]:
        """The allowed HTTP methods."""
        return [method for method, handler in (("GET", self.show_page), ("POST", self.action)) if handler is not None]

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the values of the parameters in a path; ``None`` if the path has another route."""
        own_segments = self.path.split("/")
        if len(own_segments) != len(segments):
            return None
        parameters: dict[str, str] = {}
        for own_segment, segment in zip(own_segments, segments, strict=True):
            if own_segment.startswith("{"):
                parameters[own_segment.strip("{}")] = segment
            elif own_segment != segment:
                return None
        return parameters


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A route and the values of the parameters in its path."""

    route: Route
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def tenant_id(self) -> str:
        """The id of the tenant in the path; empty if there is none."""
        return self.parameters.get("tenant", "")

    @property
    def path_values(self) -> list[str]:
        """The values of the parameters other than the tenant, in the order of the path."""
        return [value for name, value in self.parameters.items() if name != "tenant"]


_TENANT_PATH = f"tenants/{TENANT_PLACEHOLDER}"

ROUTES = (
    Route("", "tenants", tenants.list_tenants, FormAction(tenants.add_tenant)),
    Route("problems", "problems", problems.list_problems),
    Route("product", "product", product.show_product, FormAction(product.save_product)),
    Route("search", "search", search.show_search),
    Route("assets/{digest}/{name}", "asset", static.show_asset, is_static=True),
    Route(
        "sign-in",
        "sign-in",
        sign_in.show_sign_in,
        FormAction(sign_in.sign_in_with_password, SignInRequirement.NONE),
        is_public=True,
    ),
    Route("oidc", "oidc", sign_in.start_openid_sign_in, is_public=True),
    Route("oidc/callback", "oidc callback", sign_in.finish_openid_sign_in, is_public=True),
    Route("sign-out", "sign-out", action=FormAction(sign_in.sign_out, SignInRequirement.NONE, is_for_guests=True)),
    Route(
        "invitation/{secret}",
        "invitation",
        sign_in.show_invitation,
        FormAction(sign_in.accept_invitation, SignInRequirement.NONE),
        is_public=True,
    ),
    Route(
        "invitation/{secret}/request",
        "request link with invitation",
        action=FormAction(sign_in.request_link_with_invitation, SignInRequirement.NONE),
        is_public=True,
    ),
    Route(_TENANT_PATH, "status", provisioning.show_status),
    Route(f"{_TENANT_PATH}/problems", "customer problems", problems.show_problems),
    Route(f"{_TENANT_PATH}/release", "release", action=FormAction(provisioning.release_deactivations)),
    Route(
        f"{_TENANT_PATH}/connect",
        "connect",
        setup.show_choice,
        FormAction(setup.choose_provider, SignInRequirement.NONE, is_for_guests=True),
    ),
    Route(f"{_TENANT_PATH}/connect/{{provider}}", "set-up", setup.show_setup),
    Route(
        f"{_TENANT_PATH}/token",
        "token",
        token.show_token_page,
        FormAction(token.issue_token, SignInRequirement.FIRST_TOKEN, is_for_guests=True),
    ),
    Route(f"{_TENANT_PATH}/token/revoke", "revoke", action=FormAction(token.revoke_tokens, is_for_guests=True)),
    Route(f"{_TENANT_PATH}/access", "access", access.show_access),
    Route(f"{_TENANT_PATH}/access/invite", "invite", action=FormAction(access.create_invitation)),
    Route(
        f"{_TENANT_PATH}/access/revoke-invitations",
        "revoke invitations",
        action=FormAction(access.revoke_invitations),
    ),
    Route(
        f"{_TENANT_PATH}/access/request",
        "request link",
        action=FormAction(access.request_link, SignInRequirement.NONE, is_for_guests=True),
    ),
    Route(f"{_TENANT_PATH}/settings", "settings", settings.show_settings),
    Route(f"{_TENANT_PATH}/settings/mode", "mode", action=FormAction(settings.set_strict_mode)),
    Route(f"{_TENANT_PATH}/settings/brake", "brake", action=FormAction(settings.set_brake)),
    Route(f"{_TENANT_PATH}/settings/disconnect", "disconnect", action=FormAction(settings.disconnect_tenant)),
    Route(f"{_TENANT_PATH}/attributes", "attributes", attributes.show_attributes),
    Route(f"{_TENANT_PATH}/attributes/add", "attributes add", action=FormAction(attributes.add_schema)),
    Route(f"{_TENANT_PATH}/attributes/remove", "attributes remove", action=FormAction(attributes.remove_schema)),
    Route(f"{_TENANT_PATH}/log", "log", log_page.show_log),
    Route(f"{_TENANT_PATH}/log.csv", "log.csv", log_export.export_csv),
    Route(f"{_TENANT_PATH}/log.jsonl", "log.jsonl", log_export.export_json_lines),
    Route(f"{_TENANT_PATH}/users", "users", user_list.list_users),
    Route(f"{_TENANT_PATH}/users.csv", "users.csv", csv_files.export_users),
    Route(f"{_TENANT_PATH}/users/{{id}}", "user", user_page.show_user),
    Route(f"{_TENANT_PATH}/people", "moved", moved.redirect_search),
    Route(f"{_TENANT_PATH}/people/{{id}}", "moved", moved.redirect_timeline),
    Route(f"{_TENANT_PATH}/active-users", "moved", moved.redirect_active_users),
    Route(f"{_TENANT_PATH}/active-users.csv", "moved", moved.redirect_active_users_csv),
)


def find_route(segments: list[str]) -> RouteMatch | None:
    """Return the route of a path, given as its segments after ``/admin``. Paths are case-sensitive."""
    for route in ROUTES:
        parameters = route.match(segments or [""])
        if parameters is not None:
            return RouteMatch(route, parameters)
    return None
