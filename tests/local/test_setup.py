"""``make`` reports missing programs, shows its progress and installs only pinned packages."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import run_state, venv
from local.services.server_process import find_free_port

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


def test_python_without_venv_is_error_with_solution(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    without_ensurepip = f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"'
    failed = create_venv(write_python(tmp_path, without_ensurepip), tmp_path / "venv")
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.endswith(f"install the missing package: apt-get install -y {package}\n")
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
    assert re.findall(r"^make ([\w-]+)", output, re.MULTILINE) == phony[1].split()


PIP = """
import pathlib, sys, time
directory = pathlib.Path(sys.argv[1])

def wait_until_shown(state):
    while state not in (directory / "shown").read_text():
        time.sleep(0.01)

for number, name in enumerate(("ada", "grace"), 1):
    print(f"Collecting {name}==1.0 (from -r lock.txt)", flush=True)
    wait_until_shown(f"{number} of 2 downloaded: {name}")
for number, name in enumerate(("ada", "grace"), 1):
    (directory / f"lib/python3.11/site-packages/{name}-1.0.dist-info").mkdir(parents=True)
    wait_until_shown(f"{number} of 2 installed")
print("a warning", file=sys.stderr)
sys.exit(int(sys.argv[2]))
"""


class Terminal(io.StringIO):
    """A terminal whose contents are also in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.flush()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self._path.write_text(self.getvalue())


@pytest.mark.parametrize("code", [0, 1])
def test_installation_shows_progress_on_a_terminal(
    code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = Terminal(tmp_path / "shown")
    command = [sys.executable, "-c", PIP, str(tmp_path), str(code)]
    assert venv.install(command, tmp_path, 2, venv.ProgressLine(output)) == code
    assert output.getvalue().endswith("\r\033[K  2 of 2 installed\r\033[K")
    assert capfd.readouterr().err == ("a warning\n" if code else "")


def test_installation_prints_a_line_every_ten_seconds() -> None:
    output = io.StringIO()
    progress = venv.ProgressLine(output, iter([0.0, 5.0, 11.0, 12.0]).__next__)
    for text in ("one", "two", "three"):
        progress.show(text)
    progress.clear()
    assert output.getvalue() == "  two\n"


def test_packages_of_a_lock_are_counted() -> None:
    lock = ROOT / "src/requirements.txt"
    assert venv.count_packages(lock) == len(read_pins(lock))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the Makefile, the programs of the local run and data, without an installation."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "local", tmp_path / "local", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/dynoxide.db").touch()
    return tmp_path


def run_make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make without the variables of the make that runs the tests."""
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("port", ["abc", "", "80", "65536", "8080 --data x"])
def test_invalid_port_is_reported_before_installation(port: str, checkout: Path) -> None:
    failed = run_make(checkout, "run", f"PORT={port}")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith(f"error: PORT is '{port}'; it must be a number from 1024 to 65535, for example:")
    assert not (checkout / ".venv").exists()


def test_busy_port_is_reported_before_installation(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        failed = run_make(checkout, "run", f"PORT={port}")
    assert failed.stderr.startswith(f"error: port {port}: Address already in use; choose another: make run PORT=")
    assert not (checkout / ".venv").exists()


def test_second_run_is_reported_before_installation(checkout: Path) -> None:
    with run_state.lock(checkout / ".local"):
        failed = run_make(checkout, "run", f"PORT={find_free_port()}")
    assert failed.stderr.startswith("error: the local run is active and uses .local; stop it first with Ctrl-C\n")


def install_python(checkout: Path) -> None:
    """Create a virtual environment that has only the interpreter."""
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)


def test_clean_keeps_local_data(checkout: Path) -> None:
    install_python(checkout)
    completed = run_make(checkout, "clean")
    assert completed.returncode == 0
    assert "To delete them: make clean DATA=1" in completed.stdout
    assert (checkout / ".local/dynoxide.db").exists()
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("is_installed", [True, False])
def test_clean_deletes_local_data_on_request(is_installed: bool, checkout: Path) -> None:
    if is_installed:
        install_python(checkout)
    assert run_make(checkout, "clean", "DATA=1").returncode == 0
    assert not (checkout / ".local").exists()
    assert not (checkout / ".venv").exists()


def test_clean_deletes_nothing_during_a_local_run(checkout: Path) -> None:
    install_python(checkout)
    with run_state.lock(checkout / ".local"):
        failed = run_make(checkout, "clean", "DATA=1")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith("error: the local run is active and uses .local; stop it first with Ctrl-C\n")
    assert (checkout / ".local/dynoxide.db").exists()
    assert (checkout / ".venv").exists()
