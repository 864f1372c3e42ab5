"""The lock of a local run, and its ``running.json``, with which other programs find its table and services."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalRunError


@contextmanager
def lock(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory; raise ``LocalRunError`` if another run holds it.

    Two engines on one file would corrupt it.
    """
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalRunError(f"another local run uses {data}; stop it first with Ctrl-C") from error
        yield


def clear(data: Path) -> None:
    """Remove the variables that an earlier run published."""
    (data / "running.json").unlink(missing_ok=True)


def publish(data: Path, variables: Mapping[str, str]) -> None:
    """Write the environment variables of the functions, which include the URLs of the services of this run."""
    (data / "running.json").write_text(json.dumps(dict(variables), indent=2) + "\n")


def read_variables(data: Path) -> dict[str, str]:
    """Return the variables that the current run published; raise ``LocalRunError`` if there is none."""
    if is_locked(data):
        try:
            variables: dict[str, str] = json.loads((data / "running.json").read_text())
        except FileNotFoundError:
            raise LocalRunError(f"the local run with {data} is still starting; try again") from None
        return variables
    raise LocalRunError(f"no local run uses {data}; start one with make run, or select a deployed stack with --stack")


def is_locked(data: Path) -> bool:
    """Return whether a local run uses the data directory."""
    try:
        with lock(data):
            return False
    except FileNotFoundError:
        return False
    except LocalRunError:
        return True
