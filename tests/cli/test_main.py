"""Test the command ``muster`` itself: its help, its summaries, and what it imports."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cli.command_group import LazyGroup
from cli.main import _SECTIONS, muster
from tests.local.run_process import ROOT, build_environment

COMMANDS = {name: entry for section in _SECTIONS.values() for name, entry in section.items()}
SLOW_PACKAGES = ("boto3", "botocore", "pydantic", "urllib3")


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_is_that_of_the_command(name: str) -> None:
    command = muster.commands[name]
    assert (command.name, command.get_short_help_str(200)) == (name, COMMANDS[name].summary)


def test_every_command_with_a_tenant_has_json_and_short_help() -> None:
    assert isinstance(muster, LazyGroup)
    for name, command in muster.commands.items():
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for subcommand in commands:
            options = {option for parameter in subcommand.params for option in parameter.opts}
            assert "--json" in options, name


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["log", "-h"], ["master-key", "rotate", "-h"]])
def test_help_has_a_short_option(arguments: list[str]) -> None:
    result = CliRunner().invoke(muster, arguments, prog_name="muster")
    assert (result.exit_code, result.stdout.partition(" ")[0]) == (0, "Usage:")


def list_imports(*arguments: str, **variables: str) -> set[str]:
    """Run the command line in a separate process, and return the names of the packages that it imports."""
    command = [sys.executable, "-X", "importtime", "-m", "cli", *arguments]
    environment = build_environment() | {"PYTHONPATH": "src:."} | variables
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    modules = [line.rpartition("|")[2].strip() for line in process.stderr.splitlines()]
    return {module.partition(".")[0] for module in modules}


def test_help_imports_no_slow_package() -> None:
    """An import of botocore takes longer than everything else that the help does."""
    imports = list_imports("--help")
    assert "click" in imports
    assert imports.isdisjoint(SLOW_PACKAGES)


def test_completion_of_commands_imports_no_slow_package() -> None:
    variables = {"_MUSTER_COMPLETE": "bash_complete", "COMP_WORDS": "muster ro", "COMP_CWORD": "1"}
    assert list_imports(**variables).isdisjoint(SLOW_PACKAGES)


def test_help_of_a_command_imports_no_client() -> None:
    assert list_imports("status", "--help").isdisjoint({"boto3", "urllib3"})
