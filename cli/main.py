"""The command ``muster``: a group of all commands."""

import click

from cli import (
    brake,
    check,
    data,
    export,
    invitations,
    log,
    master_key,
    people,
    redrive,
    resync,
    schema,
    tenants,
    tokens,
)
from cli.app import CommandGroup, deployment_options
from cli.version import version_option

_COMMANDS = (
    tokens.connect,
    tokens.rotate,
    tokens.revoke,
    tokens.disconnect,
    data.purge,
    data.certificates,
    data.erase,
    invitations.invite,
    invitations.revoke_invitations,
    tenants.tenants,
    tenants.status,
    tenants.strict,
    brake.brake,
    brake.release,
    people.users,
    people.active_users,
    export.export,
    resync.resync,
    log.log,
    log.why,
    log.health,
    schema.schema,
    check.check,
    redrive.redrive,
    master_key.master_key,
)


@click.group(
    cls=CommandGroup,
    commands={str(command.name): command for command in _COMMANDS},
    epilog="""\b
Examples:
  muster connect acme                      connect a tenant to the local run
  muster connect acme --stack muster       connect a tenant to a deployed stack
  muster why acme ada@example.com          explain why a person has access or not
  muster tenants --json | jq -r '.[].tenant'

\b
Exit codes:
  0  success
  1  failure: AWS rejected a call or did not answer, you did not confirm, or check has left problems
  2  invalid argument or option
  3  the tenant, stack, schema or message does not exist or is not connected
  4  conflict with the state of the tenant, its token or the master key

\b
Shell completion (bash; also zsh and fish):
  eval "$(_MUSTER_COMPLETE=bash_source muster)"
""",
)
@deployment_options
@version_option
def muster() -> None:
    """Administer Muster, a SCIM 2.0 endpoint for AWS.

    Commands use the local run (make run). With --stack NAME they use a deployed stack and your AWS credentials.
    TENANT is the short name of a customer.
    """
