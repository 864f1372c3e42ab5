"""The command ``open``."""

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option
from cli.completion import complete_tenants


@click.command(
    name="open",
    epilog="""\b
Examples:
  muster open
  muster open acme --stack muster
  muster open --json | jq -r .console_url
""",
)
@click.argument("tenant_id", metavar="[TENANT]", default="", shell_complete=complete_tenants)
@click.option("--print", "is_printed_only", is_flag=True, help="Print the URL, and do not open it.")
@json_option
@deployment_options
def open_console(tenant_id: str, is_printed_only: bool, json: bool) -> None:
    """Open the console in a browser.

    The URL is also printed. With TENANT, open the status of this tenant.
    """
    url = get_deployment().console_url
    if tenant_id:
        url = f"{url}/tenants/{tenant_id}"
    if json:
        output.print_json({"console_url": url})
        return
    click.echo(url)
    if not is_printed_only and click.launch(url) != 0:
        click.echo("No browser could be opened. Copy the URL.", err=True)
