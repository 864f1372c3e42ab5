"""The commands ``brake`` and ``release``, for mass deactivations."""

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, tenant_argument
from scim.service.tenants.tenant_service import DEFAULT_RELEASE_S


@click.command(
    epilog="""\b
Examples:
  muster brake acme on
  muster brake acme off
"""
)
@tenant_argument
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@deployment_options
def brake(tenant_id: str, state: str, json: bool) -> None:
    """Turn the brake for mass deactivations on or off.

    "on": if many users of the tenant are deactivated or deleted within an hour, further deactivations and deletions of
    active users are refused until you release them (muster release). "off" (default): there is only an alert.
    """
    tenant = get_deployment().build_administration().tenants.set_brake(tenant_id, is_on=state == "on")
    if json:
        output.print_json({"tenant": tenant_id, "brake": tenant.brake.is_on})
    else:
        click.echo(f"The brake is {state} for {tenant_id}. This takes effect within a minute.")


@click.command(
    epilog="""\b
Examples:
  muster release acme
  muster release acme --for 4h
"""
)
@tenant_argument
@click.option(
    "--for",
    "duration_s",
    type=output.Duration(),
    default=DEFAULT_RELEASE_S,
    help="For how long all deactivations are accepted, for example 4h or 7d. Default: 24h.",
)
@json_option
@deployment_options
def release(tenant_id: str, duration_s: float, json: bool) -> None:
    """Release the deactivations that the brake holds.

    All deactivations and deletions of the tenant are accepted for a time, and its alert ends. The identity provider
    must send the refused requests again. After that time, the brake counts from zero.
    """
    tenant = get_deployment().build_administration().tenants.release_deactivations(tenant_id, duration_s)
    released_until = tenant.brake.released_until
    if json:
        output.print_json({"tenant": tenant_id, "released_until": output.format_rfc3339(released_until)})
    else:
        until = output.format_time(released_until)
        click.echo(f"All deactivations of {tenant_id} are accepted until {until}, within a minute from now.")
