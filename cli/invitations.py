"""``invite``, ``revoke-invitations``: links for the customer's IT admin."""

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
    "--expires", type=output.Duration(), default=DEFAULT_LIFETIME_S, show_default="7d", help="How long the link works."
)
@json_option
@deployment_options
def invite(tenant_id: str, expires: float, json: bool) -> None:
    """Make a link that opens TENANT, and nothing else, in the console: once, to whoever uses it first."""
    deployment = get_deployment()
    invitation = deployment.build_administration().invitations.invite(tenant_id, expires)
    url = build_invitation_url(deployment.scim_url, invitation.secret)
    if json:
        output.print_json({"tenant": tenant_id, "link": url, "expires": output.format_rfc3339(invitation.expires)})
        return
    output.print_fields({"Link": url, "Expires": output.format_time(invitation.expires)})
    click.echo("The link is shown only now.", err=True)


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
    """End all links of TENANT that were not used yet, and the sessions of whoever has used one."""
    get_deployment().build_administration().tenants.revoke_invitations(tenant_id)
    if json:
        output.print_json({"tenant": tenant_id})
    else:
        click.echo(f"The links of {tenant_id} open nothing any more.")
