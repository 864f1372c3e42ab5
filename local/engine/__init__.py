"""Start the local DynamoDB engine. Unlike moto, it isolates transactions.

The engine is ``dynoxide`` if npm has its binary for this platform, else ``ministack``. ``make`` installs one of them.
The variable ``AWS_ENDPOINT_URL_DYNAMODB`` selects any other engine.
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
    """A running engine. ``process`` is set if this program started it; ``data`` is the file or URL of its data."""

    name: str
    url: str
    data: str
    process: ServerProcess | None = None


@contextmanager
def start(data: Path | None = None, name: str | None = None) -> Iterator[Engine]:
    """Run an engine until the end of the block, with its data in a directory (default: a temporary one).

    ``name`` is ``dynoxide`` or ``ministack``; the default is the variable ``ENGINE``, else the installed engine. If
    ``AWS_ENDPOINT_URL_DYNAMODB`` is set, return the engine at that URL and start nothing. Raise ``LocalRunError`` if
    there is no engine or it does not start.
    """
    if url := os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        yield Engine("AWS_ENDPOINT_URL_DYNAMODB", url, url)
    elif data is None:
        with TemporaryDirectory() as directory, start(Path(directory), name) as engine:
            yield engine
    else:
        with _create_process(name or os.environ.get("ENGINE") or find_installed(), data) as process:
            process.wait()
            yield Engine(process.name, process.url, str(process.data), process)


def find_installed() -> str:
    """Return the name of the installed engine, ``dynoxide`` if both are; raise ``LocalRunError`` if none is."""
    if DYNOXIDE.exists() and (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return "dynoxide"
    if _MINISTACK.exists():
        return "ministack"
    raise LocalRunError("no DynamoDB engine is installed; make run installs one")


def _create_process(name: str, data: Path) -> ServerProcess:
    if name == "dynoxide":
        return _create_dynoxide(data / "dynoxide.db")
    if name == "ministack":
        return _create_ministack(data / "ministack.journal")
    raise LocalRunError(f"ENGINE is {name!r}; it must be dynoxide or ministack")


def _create_dynoxide(file: Path) -> ServerProcess:
    serve = [str(DYNOXIDE), "serve", "--host", HOST, "--port", "{port}", "--db-path", str(file)]
    command = [sys.executable, "-S", "-E", die_with_parent.__file__, str(os.getpid()), *serve]
    return ServerProcess("dynoxide", command, file)


def _create_ministack(journal: Path) -> ServerProcess:
    command = [str(_MINISTACK), "-m", "local.services.ministack", "--port", "{port}", "--journal", str(journal)]
    return ServerProcess("ministack", command, journal, {"PYTHONPATH": str(_ROOT)})
