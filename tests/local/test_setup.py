"""``make`` reports missing programs and installs only pinned packages."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "src/requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]


def create_venv(python: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "local/venv.sh", str(directory), "src/requirements.txt"]
    return subprocess.run(command, cwd=ROOT, env={"PYTHON": str(python)}, capture_output=True, text=True, check=False)


def write_python(tmp_path: Path, script: str) -> Path:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


def test_old_python_is_one_line_error(tmp_path: Path) -> None:
    failed = create_venv(write_python(tmp_path, "exit 1"), tmp_path / "venv")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr == (
        "error: Python 3.11 or newer is needed; if it is not on the PATH: make PYTHON=/path/to/python3\n"
    )


def test_python_without_venv_is_error_with_advice(tmp_path: Path) -> None:
    without_ensurepip = f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"'
    failed = create_venv(write_python(tmp_path, without_ensurepip), tmp_path / "venv")
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.endswith(f"install what is missing: apt-get install -y {package}\n")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_requirements_are_pinned_with_hashes(lock: Path) -> None:
    requirements = re.sub(r"\\\n", "", lock.read_text()).splitlines()
    assert requirements
    assert all(re.match(r"[\w.-]+==\S+ .*--hash=sha256:", requirement) for requirement in requirements)
    assert "://" not in lock.read_text()


def test_engine_is_pinned_with_hash() -> None:
    packages = json.loads((ROOT / "local/engine/package-lock.json").read_text())["packages"]
    locked = [package for name, package in packages.items() if name]
    assert locked
    assert all(package["integrity"] and "resolved" not in package for package in locked)


def test_deployed_requirements_are_tested() -> None:
    deployed, tested = (read_pins(ROOT / name) for name in ("src/requirements.txt", "requirements/dev.txt"))
    assert deployed
    assert deployed <= tested


def read_pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==\S+", lock.read_text(), re.MULTILINE))


def test_make_lists_its_targets() -> None:
    output = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^make (\w+)", output, re.MULTILINE) == phony[1].split()
