"""What the console serves where. A page takes a visit and is a few lines: read, call the use case, render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.console.pages import access, attributes, connect, people, provisioning, static, tenants
from handlers.console.web import Page, Request

Pages = Mapping[str, Callable[[Any], Page]]


@dataclass(frozen=True, slots=True)
class Route:
    """``name`` is what log lines call it. A public page is there for strangers too; a static one asks nothing else."""

    name: str
    pages: Pages
    tenant: str = ""
    is_public: bool = False
    is_static: bool = False


def find(request: Request) -> Route | None:
    """The route to a path; its parts are as they were sent, and have case."""
    match request.parts:
        case [] | [""]:
            return Route("tenants", {"GET": tenants.index, "POST": tenants.add})
        case ["assets", digest, name]:
            return Route("asset", {"GET": lambda _: static.asset(f"{digest}/{name}")}, is_static=True)
        case ["sign-in"]:
            return Route("sign-in", {"GET": access.sign_in_form, "POST": access.sign_in}, is_public=True)
        case ["oidc"]:
            return Route("oidc", {"GET": access.to_provider}, is_public=True)
        case ["oidc", "callback"]:
            return Route("oidc callback", {"GET": access.from_provider}, is_public=True)
        case ["sign-out"]:
            return Route("sign-out", {"POST": access.sign_out})
        case ["invitation", secret]:
            pages: Pages = {
                "GET": lambda visit: access.invitation(visit, secret),
                "POST": lambda visit: access.accept(visit, secret),
            }
            return Route("invitation", pages, is_public=True)
        case ["tenants", tenant, *rest]:
            found = _of_tenant(tenant, rest)
            return found and Route(found[0], found[1], tenant)
    return None


_GET: Mapping[str, Callable[..., Page]] = {
    "connect": connect.show,
    "attributes": attributes.show,
    "log": provisioning.log,
    "people": people.search,
    "participants": people.participants,
    "participants.csv": people.export,
}


def _of_tenant(tenant: str, rest: list[str]) -> tuple[str, Pages] | None:
    def bound(page: Callable[..., Page], *more: str) -> Callable[[Any], Page]:
        return lambda visit: page(visit, visit.tenant(tenant), *more)

    match rest:
        case []:
            return "status", {"GET": bound(provisioning.status)}
        case [name] if name in _GET:
            return name, {"GET": bound(_GET[name])}
        case ["connect", act] if act in connect.ACTS:
            return act, {"POST": bound(connect.ACTS[act])}
        case ["attributes", act] if act in attributes.ACTS:
            return f"attributes {act}", {"POST": bound(attributes.ACTS[act])}
        case ["guide", provider]:
            return "guide", {"GET": bound(connect.guide, provider)}
        case ["people", identifier]:
            return "timeline", {"GET": bound(people.timeline, identifier)}
    return None
