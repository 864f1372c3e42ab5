"""Options, arguments and errors that all commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from cli.deployment import Deployment, StackNotFound, connect_local_run, connect_stack
from local.errors import LocalRunError
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.rotation import MasterKeyConflict
from scim.protocol.errors import ScimError
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT
from scim.service.maintenance.tasks import TaskConflict
from scim.service.model.stored_resource import UnreadableResource
from scim.service.model.tenant import Tenant
from scim.service.tenants.errors import (
    PreviousTokenValid,
    TenantConnected,
    TenantError,
    TenantExists,
    TenantPurging,
    UnknownSchema,
    UnknownTenant,
)
from scim.service.tenants.tenant_writer import check_not_purging
from scim.wiring.administration import Administration

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandError(click.ClickException):
    """A command failed. The message is one line for the user."""

    exit_code = 1


class InvalidInputError(CommandError):
    """An argument or an option is invalid."""

    exit_code = 2


class NotFoundError(CommandError):
    """The tenant, stack, schema or message does not exist."""

    exit_code = 3


class ConflictError(CommandError):
    """The current state does not allow the action."""

    exit_code = 4


class CommandGroup(click.Group):
    """A group of commands that shows each expected error in one line, with an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raise :class:`CommandError` for an expected error."""
        try:
            return super().invoke(ctx)
        except (UnknownTenant, UnknownSchema, StackNotFound) as error:
            raise NotFoundError(str(error)) from error
        except (
            TenantExists,
            TenantConnected,
            TenantPurging,
            PreviousTokenValid,
            MasterKeyConflict,
            TaskConflict,
        ) as error:
            raise ConflictError(str(error)) from error
        except NoRegionError as error:
            raise CommandError("No AWS region is set. Add --region REGION.") from error
        except LocalRunError as error:
            message = str(error)
            raise CommandError(f"{message[0].upper()}{message[1:]}.") from error
        except (TenantError, MalformedSecret, UnreadableResource, ClientError, BotoCoreError) as error:
            raise CommandError(str(error)) from error
        except ScimError as error:
            raise CommandError(f"{error} ({error.__cause__})" if error.__cause__ else str(error)) from error
        except ValueError as error:
            raise InvalidInputError(str(error)) from error


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


tenant_argument = click.argument("tenant_id", metavar="TENANT")
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
    options = click.get_current_context().ensure_object(dict)
    if name := options.get("stack"):
        return connect_stack(name, options.get("profile"), options.get("region"))
    return connect_local_run(options.get("data", Path(".local")))


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
    tenant = require_tenant(administration, tenant_id)
    check_not_purging(tenant)
    return tenant


def build_unknown_tenant_error(tenant_id: str) -> NotFoundError:
    """Return the error that a tenant does not exist."""
    return NotFoundError(f"There is no tenant {tenant_id}. To list the tenants: muster tenants")
