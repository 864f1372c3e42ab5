"""The DynamoDB that the table is on: one whose transactions are right, which moto's are not.

``dynoxide`` where npm brings its binary, else ``ministack``; ``make`` installs the one or the other. Any other by
``AWS_ENDPOINT_URL_DYNAMODB``.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.constants import HOST
from local.errors import LocalRunError
from local.services import die_with_parent
from local.services.server_process import ServerProcess

_ROOT = Path(__file__).parents[2]
DYNOXIDE = Path(__file__).parent / "node_modules/@dynoxide/linux-x64/dynoxide"
_MINISTACK = _ROOT / ".venv-ministack/bin/python"


@dataclass(frozen=True)
class Engine:
    """A running engine. ``child`` is its process if it is ours; ``data`` says where the data are."""

    name: str
    url: str
    data: str
    child: ServerProcess | None = None


@contextmanager
def start(data: Path | None = None, name: str | None = None) -> Iterator[Engine]:
    """An engine that runs until the end of the block, with its data in a directory, or nowhere that lasts.

    ``name`` is ``dynoxide`` or ``ministack``, by default what the variable ``ENGINE`` says, else what is installed. An
    engine whose address the environment names is used as it is. Raise ``LocalRunError`` if there is none or it does not
    start.
    """
    if url := os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        yield Engine("AWS_ENDPOINT_URL_DYNAMODB", url, url)
    elif data is None:
        with TemporaryDirectory() as directory, start(Path(directory), name) as engine:
            yield engine
    else:
        with _child(name or os.environ.get("ENGINE") or find_installed(), data) as child:
            child.wait()
            yield Engine(child.name, child.url, str(child.data), child)


def find_installed() -> str:
    """The engine that is here: ``dynoxide`` before ``ministack``."""
    if DYNOXIDE.exists() and (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return "dynoxide"
    if _MINISTACK.exists():
        return "ministack"
    raise LocalRunError("no DynamoDB engine is installed; make run and make test do that")


def _child(name: str, data: Path) -> ServerProcess:
    if name == "dynoxide":
        return _dynoxide(data / "dynoxide.db")
    if name == "ministack":
        return _ministack(data / "ministack.journal")
    raise LocalRunError(f"ENGINE is {name}; it can be dynoxide or ministack")


def _dynoxide(file: Path) -> ServerProcess:
    serve = [str(DYNOXIDE), "serve", "--host", HOST, "--port", "{port}", "--db-path", str(file)]
    command = [sys.executable, "-S", "-E", die_with_parent.__file__, str(os.getpid()), *serve]
    return ServerProcess("dynoxide", command, file)


def _ministack(journal: Path) -> ServerProcess:
    command = [str(_MINISTACK), "-m", "local.services.ministack", "--port", "{port}", "--journal", str(journal)]
    return ServerProcess("ministack", command, journal, {"PYTHONPATH": str(_ROOT)})
