"""The commands ``master-key``, which manage the key that signs tokens, cursors and console sessions."""

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
    """Manage the master key.

    It signs tokens, cursors and console sessions. Its value is never shown.
    """


@master_key.command(
    epilog="""\b
Example:
  muster master-key status
"""
)
@json_option
@deployment_options
def status(json: bool) -> None:
    """List the generations of the master key.

    The newest is first. The generation in the state "signs" signs new tokens, cursors and sessions.
    """
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
    """Add a generation to the master key.

    It signs 30 minutes later, when every function has read it. Tokens stay valid. While a generation is waiting, no
    other one is added.
    """
    _print_key_ring(get_deployment().operator.master_key_rotation.rotate(), json=json)


@master_key.command(
    name="drop-earlier",
    epilog="""\b
Examples:
  muster master-key rotate
  muster master-key drop-earlier           30 minutes later
""",
)
@yes_option
@json_option
@deployment_options
def drop_earlier(yes: bool, json: bool) -> None:
    """Remove all generations except the newest.

    Use this if the master key was leaked. Within five minutes, all tokens, cursors and console sessions of the earlier
    generations stop working. Every tenant whose token is older than the newest generation needs a new token
    (muster rotate).
    """
    rotation = get_deployment().operator.master_key_rotation
    ring = rotation.read_key_ring()
    newest, *earlier = ring.generations
    if not earlier:
        _print_key_ring(ring, json=json)
        click.echo(
            f"Nothing was removed: generation {newest.number} is the only one. If it was leaked, run "
            "`muster master-key rotate`, and repeat this command when the new generation signs.",
            err=True,
        )
        return
    if not yes:
        click.confirm(
            "Revoke all tokens, cursors and console sessions of the earlier generations? "
            "Every tenant with such a token needs a new token.",
            abort=True,
            err=True,
        )
    _print_key_ring(rotation.remove_earlier_generations(), json=json)
    click.echo(f"The earlier generations stop working within {MAX_CACHE_AGE_S / 60:.0f} minutes.", err=True)


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
        output.print_json_lines(documents)
        return
    rows = (
        (str(document["generation"]), output.format_optional_time(document["starts"]), document["state"])
        for document in documents
    )
    output.print_table(("GENERATION", "SIGNS FROM", "STATE"), rows)
