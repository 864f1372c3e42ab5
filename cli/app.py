"""Options and arguments that all commands share, and the deployment that they select."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.completion import complete_tenants
from cli.errors import LIST_TENANTS, NotFoundError
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from scim.service.model.tenant import Tenant
    from scim.wiring.administration import Administration

Command = TypeVar("Command", bound=Callable[..., Any])

LONG_READ_S = 900.0
"""The time limit of a command that reads many records."""


def _store_option(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Store an option, which users can pass before or after the name of the command."""
    if value is not None:
        context.ensure_object(dict)[parameter.name] = value


def deployment_options(command: Command) -> Command:
    """Add the options that select the deployment and the credentials."""
    attributes: dict[str, Any] = {"expose_value": False, "callback": _store_option}
    for option in (
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            metavar="DIRECTORY",
            help="Data directory of the local run. Default: .local.",
            **attributes,
        ),
        click.option("--region", metavar="REGION", help="AWS region of the stack.", **attributes),
        click.option("--profile", metavar="NAME", help="Profile of your AWS configuration.", **attributes),
        click.option(
            "--stack",
            envvar="MUSTER_STACK",
            metavar="NAME",
            help="Use this deployed stack (or MUSTER_STACK). Default: the local run.",
            **attributes,
        ),
    ):
        command = option(command)
    return command


tenant_argument = click.argument("tenant_id", metavar="TENANT", shell_complete=complete_tenants)
json_option = click.option("--json", "json", is_flag=True, help="Output JSON.")
rate_option = click.option(
    "--rate",
    type=click.FloatRange(min=1, max=1_000),
    default=DEFAULT_RATE_PERCENT,
    show_default=True,
    metavar="PERCENT",
    help="Consume at most this share of the capacity of a DynamoDB partition.",
)


def get_deployment() -> Deployment:
    """Return the deployment that the options select."""
    return connect_deployment(click.get_current_context().ensure_object(dict))


def connect_deployment(options: Mapping[str, Any], timeout_s: float | None = None) -> Deployment:
    """Return the deployment that ``options`` select, by the names of :func:`deployment_options`.

    ``timeout_s`` limits each call that finds out what is in a stack. By default, the limits of botocore apply.
    """
    from cli import deployment

    if name := options.get("stack"):
        return deployment.connect_stack(name, options.get("profile"), options.get("region"), timeout_s=timeout_s)
    return deployment.connect_local_run(options.get("data", Path(".local")))


def require_tenant(administration: Administration, tenant_id: str) -> Tenant:
    """Return a tenant. Raise :class:`NotFoundError` if it does not exist."""
    tenant = administration.tenant_store.get(tenant_id)
    if tenant is None:
        raise build_unknown_tenant_error(tenant_id)
    return tenant


def require_intact_tenant(administration: Administration, tenant_id: str) -> Tenant:
    """Return a tenant for work on all its users.

    Raise :class:`NotFoundError` if it does not exist, and :class:`TenantPurging` if a purge of it has begun.
    """
    from scim.service.tenants.tenant_writer import check_not_purging

    tenant = require_tenant(administration, tenant_id)
    check_not_purging(tenant)
    return tenant


def build_unknown_tenant_error(tenant_id: str) -> NotFoundError:
    """Return the error that a tenant does not exist."""
    return NotFoundError(f"There is no tenant {tenant_id}. {LIST_TENANTS}")
