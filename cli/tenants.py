"""``tenants``, ``status``, ``strict``: what is known of the tenants."""

from functools import partial
from typing import Any

import click

from cli import output
from cli.app import NotFound, as_json, at_a_deployment, deployment
from cli.deployment import Deployment
from cli.progress import counted
from scim.service.connection import describe_contact, describe_malformed, describe_request
from scim.service.ports import Tenant
from scim.service.standing import Standing, side_by_side, standing


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
    where = deployment()
    looked_at = counted(side_by_side(partial(_look, where), where.store.ids()), "Tenants", json=json)
    found = map(_described, looked_at)
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
    """Show the connection of TENANT: access, token, first and last contact, users, failures."""
    where = deployment()
    if (log := where.log(tenant)) is None:
        raise NotFound(f"There is no tenant {tenant}.")
    health = log.health()
    shown = standing(log.tenant, where.store, output.now(), health)
    described = {"scim_url": where.scim_url, **_described(shown), "health": list(health.warnings)}
    described |= {"malformed_tokens": describe_malformed(log.malformed_tokens()) or None}
    described |= {"users": shown.users, "active": shown.active}
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


def _look(where: Deployment, tenant_id: str) -> Standing | None:
    if (log := where.log(tenant_id)) is None:
        return None
    health = log.health() if log.tenant.connected else None
    return standing(log.tenant, where.store, output.now(), health)


def _described(shown: Standing) -> dict[str, Any]:
    token = shown.tenant.token
    return {
        "tenant": shown.tenant.id,
        "state": shown.state,
        "mode": _mode(shown.tenant),
        "extensions": [document["id"] for document in shown.tenant.extensions],
        "expires": output.rfc3339(token.expires),
        "previous_until": output.rfc3339(token.grace_ends) if shown.in_grace else None,
        "first_contact": output.rfc3339(shown.use.first_at) if shown.use else None,
        "connection": describe_contact(shown.use) if shown.use else None,
        "last_use": output.rfc3339(shown.use.at) if shown.use else None,
        "last_request": describe_request(shown.use) if shown.use else None,
        "last_used_token": shown.used or None,
        "warning": shown.attention or None,
    }


def _mode(tenant: Tenant) -> str:
    return "strict" if tenant.strict else "tolerant"


def _end(described: dict[str, Any]) -> str:
    return described["expires"] or ("never" if described["state"] == "connected" else "-")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)
