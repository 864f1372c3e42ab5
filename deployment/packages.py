"""Finish what ``sam build`` built: ``python -m deployment.packages DIRECTORY``.

SAM copies all of ``src`` and all dependencies into the package of every function. This module removes what a function
does not use, and compiles the rest:

- The console is the only function that needs templates and cryptography.
- botocore has the models of more than 400 services, of which Muster calls seven.
- Lambda cannot store compiled files. Without them, each start of an environment compiles all modules again.

Afterwards the packages of all functions except the console are equal, so SAM uploads them once. The same source gives
the same packages in any directory.
"""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CONSOLE = "AdminFunction"
"""The logical ID of the only function that serves the console."""
CONSOLE_MODULES = ("handlers/admin.py", "handlers/console", "scim/wiring/console.py", "scim/auth/console_sign_in")
CONSOLE_DISTRIBUTIONS = ("cffi", "cryptography", "jinja2", "markupsafe", "pycparser", "pyjwt")
SERVICES = ("codedeploy", "dynamodb", "events", "lambda", "secretsmanager", "sns", "sqs")
"""The AWS services whose models botocore needs (``scim.aws.botocore_client``)."""

PYTHON = "python3.13"
"""The Python version of the functions. Compiled files are for one version."""

_RUNTIME_DIRECTORY = "/var/task"
"""Where Lambda unpacks a package. The compiled files name it in tracebacks."""


def main(directory: Path) -> None:
    """Finish the package of each function in a build directory, and print its size and hash."""
    packages = sorted(path for path in directory.iterdir() if path.is_dir())
    finish_packages(packages)
    for package in packages:
        size = sum(path.stat().st_size for path in iterate_files(package))
        print(f"{package.name:20} {size / 1e6:5.1f} MB  sha256 {hash_package(package)[:16]}")


def finish_packages(packages: Iterable[Path], python: str = PYTHON) -> None:
    """Finish packages in place. Of packages that are equal, only one is compiled, and the others are copies of it."""
    finished: dict[tuple[bool, str], Path] = {}
    for package in packages:
        original = finished.setdefault((package.name == CONSOLE, hash_package(package)), package)
        if original is package:
            finish_package(package, python)
        else:
            shutil.rmtree(package)
            shutil.copytree(original, package)


def finish_package(package: Path, python: str = PYTHON) -> None:
    """Remove what a function does not use, and compile the rest with a ``python`` on the ``PATH``, in place."""
    _remove_unused_models(package)
    if package.name != CONSOLE:
        _remove_console(package)
    _compile(package, python)


def iterate_files(package: Path) -> Iterator[Path]:
    """Yield the files of a package, sorted by path."""
    return (path for path in sorted(package.rglob("*")) if path.is_file())


def hash_package(package: Path) -> str:
    """Return a SHA-256 hash (hex) of the paths and contents of a package's files."""
    digest = hashlib.sha256()
    for path in iterate_files(package):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _remove_unused_models(package: Path) -> None:
    for directory in (package / "botocore/data", package / "boto3/data"):
        for model in directory.iterdir():
            if model.is_dir() and model.name not in SERVICES:
                shutil.rmtree(model)


def _remove_console(package: Path) -> None:
    for name in CONSOLE_MODULES:
        path = package / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in CONSOLE_DISTRIBUTIONS:
        _remove_distribution(package, name)


def _remove_distribution(package: Path, name: str) -> None:
    """Remove the files of an installed distribution, as its ``RECORD`` lists them (PyPA, Recording installed projects).

    A finished package does not have the distribution any more.
    """
    for metadata in list(package.glob(f"{name}-*.dist-info")):
        with (metadata / "RECORD").open(encoding="utf-8", newline="") as file:
            paths = [package / row[0] for row in csv.reader(file)]
        for path in paths:
            path.unlink(missing_ok=True)
        for directory in {path.parent for path in paths}:
            shutil.rmtree(directory / "__pycache__", ignore_errors=True)
        for directory in sorted({parent for path in paths for parent in path.parents}, reverse=True):
            if directory.is_relative_to(package) and directory.is_dir() and not any(directory.iterdir()):
                directory.rmdir()


def _compile(package: Path, python: str) -> None:
    """Compile all modules. The compiled files contain no time and no path of this machine, so they are reproducible."""
    for cache in list(package.rglob("__pycache__")):
        shutil.rmtree(cache)
    subprocess.run(
        [
            *(python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(package), "-p", _RUNTIME_DIRECTORY, str(package)),
        ],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # it determines the order of sets in compiled files
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
