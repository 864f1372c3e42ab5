"""The commands ``master-key``: the generations of the key that signs tokens, cursors and console sessions."""

from typing import Any

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option
from cli.tokens import yes_option
from scim.auth.master_key.key_ring import KeyRing
from scim.auth.master_key.master_key import MAX_CACHE_AGE_S


@click.group(
    name="master-key",
    epilog="""\b
Examples:
  muster master-key status
  muster master-key rotate
""",
)
def master_key() -> None:
    """Show and change the master key of the deployment. Its value is never shown."""


@master_key.command(
    epilog="""\b
Example:
  muster master-key status
"""
)
@json_option
@deployment_options
def status(json: bool) -> None:
    """List the generations of the master key, the newest first, and when each signs."""
    _print_key_ring(get_deployment().operator.master_key_rotation.read_key_ring(), json=json)


@master_key.command(
    epilog="""\b
Example:
  muster master-key rotate
"""
)
@json_option
@deployment_options
def rotate(json: bool) -> None:
    """Add a generation, which signs from 30 minutes on. Tokens stay valid.

    While a generation waits for its start, no other is added.
    """
    _print_key_ring(get_deployment().operator.master_key_rotation.rotate(), json=json)


@master_key.command(
    name="drop-earlier",
    epilog="""\b
Examples:
  muster master-key rotate
  muster master-key drop-earlier           after the new generation has started
""",
)
@yes_option
@json_option
@deployment_options
def drop_earlier(yes: bool, json: bool) -> None:
    """Remove all generations but the newest, after somebody else has learned the key.

    Ends every token, cursor and console session that was made with them, within five minutes: every tenant
    whose token is older than the newest generation needs a new one (muster rotate).
    """
    rotation = get_deployment().operator.master_key_rotation
    ring = rotation.read_key_ring()
    newest, *earlier = ring.generations
    if not earlier:
        _print_key_ring(ring, json=json)
        click.echo(
            f"Nothing was removed: generation {newest.number} is the only one. If somebody else has learned it, run "
            "`muster master-key rotate`, and this command again when the new generation signs.",
            err=True,
        )
        return
    if not yes:
        click.confirm(
            "End all tokens, cursors and console sessions that were made with the earlier generations? "
            "Each of those tenants needs a new token.",
            abort=True,
            err=True,
        )
    _print_key_ring(rotation.remove_earlier_generations(), json=json)
    click.echo(f"The earlier generations end within {MAX_CACHE_AGE_S / 60:.0f} minutes.", err=True)


def _print_key_ring(ring: KeyRing, *, json: bool) -> None:
    signing = ring.find_signing_generation(output.now())
    documents: list[dict[str, Any]] = [
        {
            "generation": generation.number,
            "starts": output.format_rfc3339(generation.starts) if generation.starts else None,
            "state": "signs"
            if generation == signing
            else "waiting"
            if generation.starts > output.now()
            else "verifies",
        }
        for generation in ring.generations
    ]
    if json:
        output.print_json_array(documents)
        return
    rows = ((str(document["generation"]), document["starts"] or "-", document["state"]) for document in documents)
    output.print_table(("GENERATION", "SIGNS FROM", "STATE"), rows)
