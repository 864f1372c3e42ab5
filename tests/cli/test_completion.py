"""The completion in bash, zsh and fish, as the scripts of the shells call it.

All three were also tried in the shells themselves.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.local.run_process import ROOT, build_environment


def run(home: Path, instruction: str, words: str = "", position: str = "") -> str:
    """Run ``muster`` as the script of a shell does, and return its output."""
    variables = build_environment() | {
        "PYTHONPATH": "src:.",
        "HOME": str(home),
        "_MUSTER_COMPLETE": instruction,
        "COMP_WORDS": words,
        "COMP_CWORD": position,
    }
    command = [sys.executable, "-m", "cli"]
    process = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert process.stderr == ""
    return process.stdout


def complete_in_bash(home: Path, line: str) -> list[str]:
    output = run(home, "bash_complete", line, str(len(line.split(" ")) - 1))
    return [candidate.partition(",")[2] for candidate in output.splitlines() if candidate]


def complete_in_zsh(home: Path, line: str) -> list[str]:
    """zsh reads three lines for each candidate: the kind, the value and the help."""
    return run(home, "zsh_complete", line, str(len(line.split(" ")) - 1)).splitlines()[1::3]


def complete_in_fish(home: Path, line: str) -> list[str]:
    """fish sends the line up to the cursor and the word at the cursor. It reads the kind, the value and the help."""
    output = run(home, "fish_complete", line, line.rpartition(" ")[2])
    return [candidate.partition(",")[2].partition("\t")[0] for candidate in output.splitlines() if candidate]


@pytest.fixture(params=[complete_in_bash, complete_in_zsh, complete_in_fish], ids=["bash", "zsh", "fish"])
def complete(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], list[str]]:
    """Return a function that completes a line. The ids of the tenants of the directory ``data`` are cached."""
    identity = ["", "", "", str(tmp_path / "data")]
    cache = tmp_path / f".config/muster/tenants-{sha256(json.dumps(identity).encode()).hexdigest()[:16]}.json"
    cache.parent.mkdir(parents=True)
    cache.write_text('["acme", "acorn", "globex"]')
    return lambda line: request.param(tmp_path, line.replace("DATA", str(tmp_path / "data")))


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("muster ro", ["rotate"]),
        ("muster log --req", ["--request"]),
        ("muster --data DATA status ac", ["acme", "acorn"]),
        ("muster status --data DATA gl", ["globex"]),
        ("muster --data DATA status x", []),
    ],
)
def test_commands_options_and_tenants_are_completed(
    complete: Callable[[str], list[str]], line: str, candidates: list[str]
) -> None:
    assert complete(line) == candidates


@pytest.mark.parametrize(
    ("shell", "registration"),
    [
        ("bash", "complete -o nosort -F _muster_completion muster"),
        ("zsh", "compdef _muster_completion muster"),
        ("fish", 'complete --no-files --command muster --arguments "(_muster_completion)"'),
    ],
)
def test_script_registers_the_command(tmp_path: Path, shell: str, registration: str) -> None:
    script = run(tmp_path, f"{shell}_source")
    assert registration in script
    assert f"_MUSTER_COMPLETE={shell}_complete" in script


def test_script_completes_in_bash_itself(tmp_path: Path) -> None:
    """bash is on every machine that runs the tests, so its script is also tried in the shell."""
    (tmp_path / "muster").write_text(f'#!/bin/sh\ncd {ROOT} && PYTHONPATH=src:. exec {sys.executable} -m cli "$@"\n')
    (tmp_path / "muster").chmod(0o755)
    script = (
        'eval "$(_MUSTER_COMPLETE=bash_source muster)"; COMP_WORDS=(muster ro); COMP_CWORD=1; '
        '_muster_completion muster ro; echo "${COMPREPLY[@]}"'
    )
    variables = build_environment() | {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [str(shutil.which("bash")), "-c", script]
    process = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert process.stdout.split() == ["rotate"]
