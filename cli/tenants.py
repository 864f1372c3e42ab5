"""``tenants``, ``status``, ``strict``: what is known of the tenants."""

from collections.abc import Iterator
from typing import Any

import click

from cli import output
from cli.app import NotFound, as_json, at_a_deployment, deployment
from cli.progress import counted
from scim.service.expiry import warning
from scim.service.ports import Tenant, TenantStore, Use


@click.command(
    epilog="""\b
Examples:
  muster tenants
  muster tenants --json | jq -r '.[] | select(.warning) | .tenant'
"""
)
@as_json
@at_a_deployment
def tenants(json: bool) -> None:
    """List the tenants, those that were disconnected too."""
    found = counted(_all(deployment().store), "Tenants", json=json)
    if json:
        output.array(found)
        return
    columns = ("TENANT", "STATE", "MODE", "TOKEN EXPIRES", "LAST USE", "")
    output.table(columns, ([*_row(each), each["warning"] or ""] for each in found))


def _row(described: dict[str, Any]) -> tuple[str, ...]:
    use = described["last_use"] or "-"
    return described["tenant"], described["state"], described["mode"], _end(described), use


@click.command(
    epilog="""\b
Examples:
  muster status acme
  muster status acme --json
"""
)
@click.argument("tenant")
@as_json
@at_a_deployment
def status(tenant: str, json: bool) -> None:
    """Show how TENANT stands: its access, its token, when that was last used, its users."""
    where = deployment()
    store = where.store
    settings = store.get(tenant)
    if settings is None:
        raise NotFound(f"There is no tenant {tenant}.")
    total, active = store.count(tenant)
    described = {"scim_url": where.scim_url, **_described(settings, store.last_use(tenant))}
    described |= {"users": total, "active": active}
    if json:
        output.document(described)
    else:
        told = described | {"expires": _end(described)}
        output.facts({name.replace("_", " "): _text(value) for name, value in told.items()})


@click.command(
    epilog="""\b
Examples:
  muster strict acme on
  muster strict acme off
"""
)
@click.argument("tenant")
@click.argument("mode", type=click.Choice(["on", "off"]))
@as_json
@at_a_deployment
def strict(tenant: str, mode: str, json: bool) -> None:
    """Serve TENANT by the RFC alone (on), or accept what identity providers make of it (off)."""
    changed = deployment().tenants.configure(tenant, strict=mode == "on")
    if json:
        output.document({"tenant": tenant, "mode": _mode(changed)})
    else:
        click.echo(f"{tenant} is {_mode(changed)}, within a minute.")


def _all(store: TenantStore) -> Iterator[dict[str, Any]]:
    for tenant_id in store.ids():
        if settings := store.get(tenant_id):
            yield _described(settings, store.last_use(tenant_id))


def _described(tenant: Tenant, use: Use | None) -> dict[str, Any]:
    token, now = tenant.token, output.now()
    in_grace = tenant.connected and now < token.grace_ends
    return {
        "tenant": tenant.id,
        "state": _state(tenant),
        "mode": _mode(tenant),
        "extensions": [document["id"] for document in tenant.extensions],
        "expires": output.rfc3339(token.expires),
        "previous_until": output.rfc3339(token.grace_ends) if in_grace else None,
        "last_use": output.rfc3339(use.at) if use else None,
        "last_used_token": _used(tenant, use),
        "warning": _warning(tenant, now),
    }


def _state(tenant: Tenant) -> str:
    if not tenant.connected:
        return "disconnected"
    return "revoked" if tenant.token.is_revoked else "connected"


def _mode(tenant: Tenant) -> str:
    return "strict" if tenant.strict else "tolerant"


def _used(tenant: Tenant, use: Use | None) -> str | None:
    """Whether the identity provider has the new token yet."""
    if use is None:
        return None
    return "current" if use.version == tenant.token.version else "earlier"


def _warning(tenant: Tenant, now: float) -> str | None:
    token = tenant.token
    if tenant.connected and not token.shown:
        return "the new token was not shown yet: muster rotate shows it"
    if token.expires is None or (days := warning(token.expires, now)) is None:
        return None
    if token.expires <= now:
        return "the token has expired: muster rotate makes a new one"
    return f"the token expires within {days} {'day' if days == 1 else 'days'}"


def _end(described: dict[str, Any]) -> str:
    return described["expires"] or ("never" if described["state"] == "connected" else "-")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)
