"""What all commands have in common: where they work, how they answer, and what their failures become."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import Deployment, NoStack, local_run, stack
from local.errors import LocalRunError
from scim.auth.errors import MalformedSecret
from scim.auth.master_key.rotation import MasterKeyConflict
from scim.protocol.errors import ScimError
from scim.service.tenants.tenants import GraceRunning, TenantError, TenantExists, UnknownSchema, UnknownTenant

Command = TypeVar("Command", bound=Callable[..., Any])


class NotFound(Exception):
    """What a command was asked about is not there."""


class Failed(click.ClickException):
    """One line for the user, and the exit code."""

    exit_code = 1


class Misused(Failed):
    """What was given is wrong."""

    exit_code = 2


class Missing(Failed):
    """What was named is not there."""

    exit_code = 3


class InTheWay(Failed):
    """The state is not the one that the act is for."""

    exit_code = 4


class Commands(click.Group):
    """A group in which failures that are nobody's bug are told in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (UnknownTenant, UnknownSchema, NoStack, NotFound) as error:
            raise Missing(str(error)) from error
        except (TenantExists, GraceRunning, MasterKeyConflict) as error:
            raise InTheWay(str(error)) from error
        except (TenantError, MalformedSecret, LocalRunError, ClientError, BotoCoreError) as error:
            raise Failed(str(error)) from error
        except ScimError as error:
            raise Failed(f"{error} ({error.__cause__})" if error.__cause__ else str(error)) from error
        except ValueError as error:
            raise Misused(str(error)) from error


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep what was given, to the group or to the command."""
    if value is not None:
        context.ensure_object(dict)[parameter.name] = value


def at_a_deployment(command: Command) -> Command:
    """The options that say which deployment is meant, and whose rights to use."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _remember}
    for option in (
        click.option("--data", type=click.Path(path_type=Path), help="The local run's data (default: .local).", **kept),
        click.option("--region", help="The stack's region.", **kept),
        click.option("--profile", help="The profile of your AWS configuration.", **kept),
        click.option("--stack", envvar="MUSTER_STACK", help="A deployed stack; without it, the local run.", **kept),
    ):
        command = option(command)
    return command


as_json = click.option("--json", "json", is_flag=True, help="JSON, for programs.")


def deployment() -> Deployment:
    """What the command works at."""
    given = click.get_current_context().ensure_object(dict)
    if name := given.get("stack"):
        return stack(name, given.get("profile"), given.get("region"))
    return local_run(given.get("data", Path(".local")))
