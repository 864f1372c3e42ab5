"""The command ``muster``: a group of all commands."""

import os

import click

from cli.app import deployment_options
from cli.command_group import CommandEntry, LazyGroup
from cli.version import version_option

# The summaries are repeated here, so that the help imports no command. A test compares them with the commands.
_SECTIONS = {
    "Access of a customer": {
        "connect": CommandEntry("tokens:connect", "Connect a tenant and show its SCIM URL and token."),
        "rotate": CommandEntry("tokens:rotate", "Create a new token and show it."),
        "revoke": CommandEntry("tokens:revoke", "Revoke all tokens of a tenant."),
        "disconnect": CommandEntry("tokens:disconnect", "Disconnect a tenant and revoke all its tokens."),
        "invite": CommandEntry("invitations:invite", "Create an invitation link for the customer's IT admin."),
        "revoke-invitations": CommandEntry("invitations:revoke_invitations", "Revoke all invitations of a tenant."),
    },
    "State and problems": {
        "tenants": CommandEntry("tenants:tenants", "List all tenants with their health."),
        "status": CommandEntry("status:status", "Show the status of a tenant: what fails, and what to do next."),
        "health": CommandEntry("why:health", "Show the health of a tenant."),
        "why": CommandEntry("why:why", "Explain why a person has access or not."),
        "search": CommandEntry("search:search", "Search all tenants for a person or a request."),
        "problems": CommandEntry("search:problems", "List the open problems of a tenant."),
        "open": CommandEntry("open_console:open_console", "Open the console in a browser."),
        "log": CommandEntry("log:log", "Show the audit log of a tenant."),
    },
    "Settings of a customer": {
        "strict": CommandEntry("tenants:strict", "Turn strict mode on or off."),
        "provider": CommandEntry("tenants:provider", "Choose the identity provider of a tenant."),
        "brake": CommandEntry("brake:brake", "Turn the brake for mass deactivations on or off."),
        "release": CommandEntry("brake:release", "Release the deactivations that the brake holds."),
        "schema": CommandEntry("schema:schema", "Manage custom attributes of a tenant's users."),
    },
    "Users and data": {
        "users": CommandEntry("people:users", "List the users of a tenant."),
        "export": CommandEntry("export:export", "Write all users of a tenant as JSON lines."),
        "resync": CommandEntry("resync:resync", "Publish the state of all users of a tenant as events."),
        "purge": CommandEntry("data:purge", "Delete everything of a disconnected tenant."),
        "certificates": CommandEntry("data:certificates", "List the certificates of purged tenants."),
        "erase": CommandEntry("data:erase", "Erase the traces of a deleted person."),
    },
    "Operation of the deployment": {
        "check": CommandEntry("check:check", "Check the stored items of a tenant against each other."),
        "doctor": CommandEntry("doctor.command:doctor", "Check whether the deployment is completely set up."),
        "redrive": CommandEntry("redrive:redrive", "List dead letters, or process them again."),
        "master-key": CommandEntry("master_key:master_key", "Manage the master key."),
    },
}


@click.group(
    cls=LazyGroup,
    sections=_SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  muster connect acme                      connect a tenant to the local run
  muster connect acme --stack muster       connect a tenant to a deployed stack
  muster why acme ada@example.com          explain why a person has access or not
  muster tenants --json | jq -r .tenant

\b
Exit codes:
  0  success
  1  failure: AWS rejected a call or did not answer, you did not confirm, or check or doctor found a problem
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
@click.pass_context
def muster(context: click.Context) -> None:
    """Administer Muster, a SCIM 2.0 endpoint for AWS.

    Commands use the local run (make run). With --stack NAME they use a deployed stack and your AWS credentials.
    TENANT is the short name of a customer.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        context.color = False
