"""The commands ``invite`` and ``revoke-invitations``: links to the console for the customer's IT admin."""

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, tenant_argument
from scim.service.console.invitations import DEFAULT_LIFETIME_S, build_invitation_url


@click.command(
    epilog="""\b
Examples:
  muster invite acme
  muster invite acme --expires 24h
"""
)
@tenant_argument
@click.option(
    "--expires",
    type=output.Duration(),
    default=DEFAULT_LIFETIME_S,
    help="How long the link is valid, for example 30m, 24h or 7d. Default: 7d.",
)
@json_option
@deployment_options
def invite(tenant_id: str, expires: float, json: bool) -> None:
    """Create an invitation link for the customer's IT admin.

    The link opens the console for this tenant only, and can be used once.
    """
    deployment = get_deployment()
    invitation = deployment.build_administration().invitations.invite(tenant_id, expires)
    url = build_invitation_url(deployment.scim_url, invitation.secret)
    if json:
        output.print_json({"tenant": tenant_id, "link": url, "expires": output.format_rfc3339(invitation.expires)})
        return
    output.print_fields({"Link": url, "Expires": output.format_time(invitation.expires)})
    click.echo("Copy the link now. It is not shown again.", err=True)


@click.command(
    epilog="""\b
Example:
  muster revoke-invitations acme
"""
)
@tenant_argument
@json_option
@deployment_options
def revoke_invitations(tenant_id: str, json: bool) -> None:
    """Revoke all invitations of a tenant.

    Unused links stop working. Everyone who used a link is signed out of the console.
    """
    get_deployment().build_administration().tenants.revoke_invitations(tenant_id)
    if json:
        output.print_json({"tenant": tenant_id})
    else:
        click.echo(f"All invitations of {tenant_id} are revoked. Everyone who used one is signed out.")
