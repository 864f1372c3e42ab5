"""The command ``muster``, a group of all commands."""

import click

from cli import invitations, log, master_key, people, redrive, schema, tenants, tokens
from cli.app import CommandGroup, deployment_options
from cli.version import version_option

_COMMANDS = (
    tokens.connect,
    tokens.rotate,
    tokens.revoke,
    tokens.disconnect,
    invitations.invite,
    invitations.revoke_invitations,
    tenants.tenants,
    tenants.status,
    tenants.strict,
    people.users,
    people.active_users,
    log.log,
    log.why,
    log.health,
    schema.schema,
    redrive.redrive,
    master_key.master_key,
)


@click.group(cls=CommandGroup, commands={str(command.name): command for command in _COMMANDS})
@deployment_options
@version_option
def muster() -> None:
    """Administer the tenants of a SCIM endpoint: those of the local run, or of a stack with --stack.

    \b
    Examples:
      muster connect acme                      the local run
      muster connect acme --stack muster       a deployed stack
      muster tenants --json | jq -r '.[].tenant'

    \b
    Exit codes:
      0  done
      1  failed: AWS refused or does not answer, or the act was given up
      2  wrong usage
      3  there is no such tenant, stack or schema
      4  the state is in the way: connected already, or a grace period is running

    \b
    Completion in the shell, for bash (or zsh, fish):
      eval "$(_MUSTER_COMPLETE=bash_source muster)"
    """
