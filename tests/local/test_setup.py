"""What ``make`` sets up: it needs nothing that it does not name, and takes nothing that is not locked."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "src/requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]


def venv(python: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "local/venv.sh", str(directory), "src/requirements.txt"]
    return subprocess.run(command, cwd=ROOT, env={"PYTHON": str(python)}, capture_output=True, text=True, check=False)


def python_that(tmp_path: Path, script: str) -> Path:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


def test_an_old_python_is_told_in_one_line(tmp_path: Path) -> None:
    failed = venv(python_that(tmp_path, "exit 1"), tmp_path / "venv")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr == (
        "error: Python 3.11 or newer is needed; if it is not on the PATH: make PYTHON=/path/to/python3\n"
    )


def test_a_python_without_venv_is_told_with_the_line_that_helps(tmp_path: Path) -> None:
    without_ensurepip = f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"'
    failed = venv(python_that(tmp_path, without_ensurepip), tmp_path / "venv")
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.endswith(f"install what is missing: apt-get install -y {package}\n")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_everything_with_hashes_and_names_no_address(lock: Path) -> None:
    requirements = re.sub(r"\\\n", "", lock.read_text()).splitlines()
    assert requirements
    assert all(re.match(r"[\w.-]+==\S+ .*--hash=sha256:", requirement) for requirement in requirements)
    assert "://" not in lock.read_text()


def test_the_lock_of_the_engine_pins_with_a_hash_and_names_no_address() -> None:
    packages = json.loads((ROOT / "local/engine/package-lock.json").read_text())["packages"]
    locked = [package for name, package in packages.items() if name]
    assert locked
    assert all(package["integrity"] and "resolved" not in package for package in locked)


def test_what_is_tested_is_what_is_deployed() -> None:
    deployed, tested = (pins(ROOT / name) for name in ("src/requirements.txt", "requirements/dev.txt"))
    assert deployed
    assert deployed <= tested


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==\S+", lock.read_text(), re.MULTILINE))


def test_make_lists_every_command_that_it_has() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^make (\w+)", listed, re.MULTILINE) == phony[1].split()
