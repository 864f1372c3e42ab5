"""The option ``--version``."""

import tomllib
from pathlib import Path

import click

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def read_version() -> str:
    """Return the version in ``pyproject.toml``, the only place that has it."""
    version: str = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]["version"]
    return version


def _print_version(context: click.Context, _parameter: click.Parameter, is_set: bool) -> None:
    if is_set and not context.resilient_parsing:
        click.echo(f"muster {read_version()}")
        context.exit()


version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
