"""The commands ``schema``, which manage the custom attributes of a tenant's users."""

from pathlib import Path

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.tokens import read_documents
from scim.service.model.attribute_types import list_removed_attributes
from scim.service.model.tenant import Tenant
from scim.service.tenants.custom_schemas import describe_attribute


@click.group(
    epilog="""\b
Examples:
  muster schema show acme
  muster schema add acme examples/extensions/employee.json
  muster schema remove acme urn:ietf:params:scim:schemas:extension:survey:2.0:User
"""
)
def schema() -> None:
    """Manage custom attributes of a tenant's users.

    Schema documents (RFC 7643 section 7) define the attributes.
    """


@schema.command(
    epilog="""\b
Examples:
  muster schema show acme
  muster schema show acme --json | jq -r .id
"""
)
@tenant_argument
@json_option
@deployment_options
def show(tenant_id: str, json: bool) -> None:
    """Show the custom attributes of a tenant.

    The table includes removed attributes that users may still have values for. --json shows the schema documents.
    """
    tenant = require_tenant(get_deployment().build_administration(LONG_READ_S), tenant_id)
    documents = tenant.custom_schemas
    if json:
        output.print_json_lines(documents)
        return
    rows = [
        [attribute["name"], describe_attribute(attribute), "in use", document["id"]]
        for document in documents
        for attribute in document["attributes"]
    ]
    rows += [
        [name, what, "removed", urn] for urn, name, what in list_removed_attributes(tenant.attribute_types, documents)
    ]
    if rows:
        output.print_table(("ATTRIBUTE", "TYPE", "STATE", "SCHEMA"), rows)
    else:
        click.echo(f"{tenant_id} has no custom attributes.")


@schema.command(
    epilog="""\b
Examples:
  muster schema add acme examples/extensions/employee.json
  muster schema add acme first.json second.json --stack muster
"""
)
@tenant_argument
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE..."
)
@json_option
@deployment_options
def add(tenant_id: str, files: tuple[Path, ...], json: bool) -> None:
    """Add or replace schema documents.

    A document replaces the one with the same id. An attribute keeps its type and the spelling of its name, even after
    it was removed, because users may still have values.
    """
    _print_schemas(
        get_deployment().build_administration().tenants.add_schemas(tenant_id, read_documents(files)), json=json
    )


@schema.command(
    epilog="""\b
Examples:
  muster schema remove acme urn:ietf:params:scim:schemas:extension:survey:2.0:User
"""
)
@tenant_argument
@click.argument("urn")
@json_option
@deployment_options
def remove(tenant_id: str, urn: str, json: bool) -> None:
    """Remove a schema document.

    URN is the id of the document. Users keep their values. These are hidden until the schema is added again.
    """
    _print_schemas(get_deployment().build_administration().tenants.remove_schema(tenant_id, urn), json=json)


def _print_schemas(tenant: Tenant, *, json: bool) -> None:
    ids = [document["id"] for document in tenant.custom_schemas]
    if json:
        output.print_json({"tenant": tenant.id, "extensions": ids})
    else:
        click.echo(f"Schemas of {tenant.id}: {', '.join(ids) or 'none'}. This takes effect within a minute.")
