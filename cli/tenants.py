"""The commands ``tenants``, ``strict`` and ``provider``."""

from typing import Any

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, tenant_argument
from cli.progress import show_progress
from cli.tenant_documents import build_tenant_document, color_health, format_expiry, format_value
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider
from scim.service.tenants.overview import load_tenants

_DETECT = "detect"
"""The argument of ``muster provider`` for an identity provider that is not chosen."""


@click.command(
    epilog="""\b
Examples:
  muster tenants
  muster tenants --json | jq -r 'select(.health != "healthy") | .tenant'
"""
)
@json_option
@deployment_options
def tenants(json: bool) -> None:
    """List all tenants with their health.

    The list includes disconnected tenants. The last column says what to do.
    """
    deployment = get_deployment()
    tenant_ids = deployment.build_administration(LONG_READ_S).tenant_store.list_ids()
    overviews = load_tenants(
        lambda tenant_id: deployment.build_administration().load_overview_for_list(tenant_id), tenant_ids, _print_fault
    )
    documents = map(build_tenant_document, show_progress(overviews, "Tenants", json=json))
    if json:
        output.print_json_lines(documents)
        return
    columns = ("TENANT", "STATE", "HEALTH", "STRICT MODE", "TOKEN EXPIRES", "LAST USE", "ACTION NEEDED")
    output.print_table(columns, map(_format_row, documents))


def _format_row(document: dict[str, Any]) -> tuple[str, ...]:
    return (
        document["tenant"],
        format_value(document["state"]),
        color_health(document["health"]),
        format_value(document["strict"]),
        format_expiry(document),
        output.format_optional_time(document["last_use"]),
        output.format_sentence(document["warning"] or ""),
    )


def _print_fault(tenant_id: str, fault: Exception) -> None:
    click.echo(f"{tenant_id} could not be read: {output.make_printable(str(fault.__cause__ or fault))}", err=True)


@click.command(
    epilog="""\b
Examples:
  muster strict acme on
  muster strict acme off
"""
)
@tenant_argument
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@deployment_options
def strict(tenant_id: str, state: str, json: bool) -> None:
    """Turn strict mode on or off.

    "off" (default) accepts what known identity providers send, even if it is non-standard. "on" rejects non-standard
    requests and some that the RFCs allow, such as PATCH operations without a path. Entra ID and Okta do not work then.
    """
    tenant = get_deployment().build_administration().tenants.configure(tenant_id, is_strict=state == "on")
    if json:
        output.print_json({"tenant": tenant_id, "strict": tenant.is_strict})
    else:
        click.echo(f"Strict mode is {state} for {tenant_id}. This takes effect within a minute.")


@click.command(
    epilog="""\b
Examples:
  muster provider acme okta
  muster provider acme detect
"""
)
@tenant_argument
@click.argument("name", type=click.Choice([_DETECT, *(provider.value for provider in IdentityProvider)]))
@json_option
@deployment_options
def provider(tenant_id: str, name: str, json: bool) -> None:
    """Choose the identity provider of a tenant.

    Guides and advice are for this identity provider. "detect" (default) recognizes it by its requests. Choose it if
    this is wrong or not possible yet. Requests are processed in the same way.
    """
    tenant = get_deployment().build_administration().tenants.choose_provider(tenant_id, parse_identity_provider(name))
    if json:
        output.print_json({"tenant": tenant_id, "chosen_provider": tenant.provider})
    elif tenant.provider:
        click.echo(f"{tenant.provider.display_name} is the identity provider of {tenant_id}.")
    else:
        click.echo(f"The identity provider of {tenant_id} is detected by its requests.")
