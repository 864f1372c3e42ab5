"""What all commands have in common: where they work, how they answer, and what their failures become."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import Deployment, StackNotFound, connect_local_run, connect_stack
from local.errors import LocalRunError
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.rotation import MasterKeyConflict
from scim.protocol.errors import ScimError
from scim.service.tenants.errors import PreviousTokenValid, TenantError, TenantExists, UnknownSchema, UnknownTenant

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandError(click.ClickException):
    """One line for the user, and the exit code."""

    exit_code = 1


class InvalidInputError(CommandError):
    """What was given is wrong."""

    exit_code = 2


class NotFoundError(CommandError):
    """What was named is not there."""

    exit_code = 3


class ConflictError(CommandError):
    """The state is not the one that the act is for."""

    exit_code = 4


class Commands(click.Group):
    """A group in which failures that are nobody's bug are told in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (UnknownTenant, UnknownSchema, StackNotFound) as error:
            raise NotFoundError(str(error)) from error
        except (TenantExists, PreviousTokenValid, MasterKeyConflict) as error:
            raise ConflictError(str(error)) from error
        except (TenantError, MalformedSecret, LocalRunError, ClientError, BotoCoreError) as error:
            raise CommandError(str(error)) from error
        except ScimError as error:
            raise CommandError(f"{error} ({error.__cause__})" if error.__cause__ else str(error)) from error
        except ValueError as error:
            raise InvalidInputError(str(error)) from error


def _store_option(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep what was given, to the group or to the command."""
    if value is not None:
        context.ensure_object(dict)[parameter.name] = value


def deployment_options(command: Command) -> Command:
    """The options that say which deployment is meant, and whose rights to use."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _store_option}
    for option in (
        click.option("--data", type=click.Path(path_type=Path), help="The local run's data (default: .local).", **kept),
        click.option("--region", help="The stack's region.", **kept),
        click.option("--profile", help="The profile of your AWS configuration.", **kept),
        click.option("--stack", envvar="MUSTER_STACK", help="A deployed stack; without it, the local run.", **kept),
    ):
        command = option(command)
    return command


json_option = click.option("--json", "json", is_flag=True, help="JSON, for programs.")


def get_deployment() -> Deployment:
    """What the command works at."""
    given = click.get_current_context().ensure_object(dict)
    if name := given.get("stack"):
        return connect_stack(name, given.get("profile"), given.get("region"))
    return connect_local_run(given.get("data", Path(".local")))
