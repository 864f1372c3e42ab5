"""Check that ``make run`` or ``make clean`` can start: ``python -m local.preflight run PORT`` or ``clean``.

``make run`` does this before it installs anything, so this module uses only the standard library.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local import run_state
from local.errors import LocalRunError
from local.port import listen, parse_port

_DATA = Path(".local")


def main(arguments: Sequence[str]) -> int:
    """Print the error, if any, and return the exit code."""
    try:
        _check(*arguments)
    except LocalRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _check(command: str, port: str = "") -> None:
    if run_state.is_locked(_DATA):
        raise LocalRunError(f"the local run is active and uses {_DATA}; stop it first with Ctrl-C")
    if command == "run":
        with listen(parse_port(port)):
            pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
