"""``schema``: the custom attributes of a tenant's users."""

from pathlib import Path
from typing import Any

import click

from cli import output
from cli.app import NotFound, as_json, at_a_deployment, deployment
from cli.tokens import read_documents
from scim.service.ports import Tenant
from scim.store.tenants import TenantStore


@click.group(
    epilog="""\b
Examples:
  muster schema show acme
  muster schema add acme examples/extensions/employee.json
  muster schema remove acme urn:ietf:params:scim:schemas:extension:survey:2.0:User
"""
)
def schema() -> None:
    """Show, add and remove custom attributes: schema documents (RFC 7643 section 7) that extend a tenant's users."""


@schema.command(
    epilog="""\b
Examples:
  muster schema show acme
  muster schema show acme --json | jq -r '.[].id'
"""
)
@click.argument("tenant")
@as_json
@at_a_deployment
def show(tenant: str, json: bool) -> None:
    """Show the custom attributes of TENANT."""
    documents = _tenant(deployment().store, tenant).extensions
    if json:
        output.document(documents)
        return
    rows = [[attribute["name"], _kind(attribute), each["id"]] for each in documents for attribute in each["attributes"]]
    output.table(("ATTRIBUTE", "TYPE", "SCHEMA"), rows)


@schema.command(
    epilog="""\b
Examples:
  muster schema add acme examples/extensions/employee.json
  muster schema add acme first.json second.json --stack muster
"""
)
@click.argument("tenant")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE..."
)
@as_json
@at_a_deployment
def add(tenant: str, files: tuple[Path, ...], json: bool) -> None:
    """Add the schema documents in the files to TENANT, or put them in the place of those with the same id."""
    where = deployment()
    new = read_documents(files)
    ids = {str(each.get("id")).lower() for each in new if isinstance(each, dict)}
    kept = [each for each in _tenant(where.store, tenant).extensions if each["id"].lower() not in ids]
    changed = where.tenants.configure(tenant, extensions=[*kept, *new])
    _told(changed, json=json)


@schema.command(
    epilog="""\b
Examples:
  muster schema remove acme urn:ietf:params:scim:schemas:extension:survey:2.0:User
"""
)
@click.argument("tenant")
@click.argument("urn")
@as_json
@at_a_deployment
def remove(tenant: str, urn: str, json: bool) -> None:
    """Remove the schema URN from TENANT. What users have of it stays with each until that user is next written."""
    where = deployment()
    before = _tenant(where.store, tenant).extensions
    kept = [each for each in before if each["id"].lower() != urn.lower()]
    if len(kept) == len(before):
        raise NotFound(f"{tenant} has no schema {urn}.")
    changed = where.tenants.configure(tenant, extensions=kept)
    _told(changed, json=json)


def _tenant(store: TenantStore, tenant_id: str) -> Tenant:
    tenant = store.get(tenant_id)
    if tenant is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return tenant


def _kind(attribute: dict[str, Any]) -> str:
    limits = [f"at most {attribute['maxLength']} characters"] if attribute.get("maxLength") else []
    many = ["multi-valued"] if attribute.get("multiValued") else []
    return ", ".join([attribute.get("format") or attribute["type"], *many, *limits])


def _told(tenant: Tenant, *, json: bool) -> None:
    ids = [document["id"] for document in tenant.extensions]
    if json:
        output.document({"tenant": tenant.id, "extensions": ids})
    else:
        click.echo(f"{tenant.id} has {', '.join(ids) or 'no custom attributes'}, within a minute.")
