"""``running.json``: how a program beside the local run reaches its table and its secrets, for as long as it runs."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalRunError


@contextmanager
def lock(data: Path) -> Iterator[None]:
    """Keeps a second run away from the data: two engines on one file would spoil it."""
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalRunError(f"another run uses {data}; stop it first") from error
        yield


def clear(data: Path) -> None:
    """Removes what an earlier run has told."""
    (data / "running.json").unlink(missing_ok=True)


def publish(data: Path, variables: Mapping[str, str]) -> None:
    """Writes the environment of the functions, which has the endpoints of this run."""
    (data / "running.json").write_text(json.dumps(dict(variables), indent=2) + "\n")


def read_variables(data: Path) -> dict[str, str]:
    """The environment of the functions that run on the data now; a ``LocalRunError`` if none do."""
    if _is_locked(data):
        try:
            found: dict[str, str] = json.loads((data / "running.json").read_text())
        except FileNotFoundError:
            raise LocalRunError(f"what runs on {data} is still starting; try again") from None
        return found
    raise LocalRunError(f"nothing runs on {data}; start it with make run, or name a deployed stack with --stack")


def _is_locked(data: Path) -> bool:
    try:
        with lock(data):
            return False
    except FileNotFoundError:
        return False
    except LocalRunError:
        return True
