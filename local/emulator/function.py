"""Run one built function in the runtime interface emulator."""

import json
import os
import platform
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws_lambda.function import build_runtime_variables
from local.errors import LocalRunError
from local.services import die_with_parent
from local.services.server_process import ServerProcess, find_free_port
from local.template import FunctionSpec

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / ".venv-lambda/bin/python"
_PATH = "/2015-03-31/functions/function/invocations"
_EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


@dataclass(frozen=True)
class Invocation:
    """The result of a handler, its log lines, and the seconds that the invocation took."""

    result: Any
    log: list[dict[str, Any]]
    seconds: float


class EmulatedFunction(ServerProcess):
    """A function in an emulator, which has one execution environment. It processes one event at a time.

    The emulator starts the runtime at the first invocation, so the first one also takes the time of the start.
    ``spec.code`` is the directory of the package.
    """

    def __init__(self, spec: FunctionSpec, data: Path) -> None:
        """Create the function without starting it. ``data`` is the directory of its log file."""
        super().__init__(spec.name, _build_command(spec), data / f"{spec.name}.emulator")
        self._log_position = self.log.stat().st_size if self.log.exists() else 0

    def invoke(self, event: object) -> Invocation:
        """Send an event, and return the outcome. An error that the handler raised is the result, as on Lambda."""
        started = time.monotonic()
        request = urllib.request.Request(self.url + _PATH, json.dumps(event).encode())  # noqa: S310 - our own URL
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own URL
            body = response.read()
        return Invocation(json.loads(body), self._read_new_log_lines(), time.monotonic() - started)

    def _read_new_log_lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines that the function has logged since the last call."""
        with self.log.open("rb") as file:
            file.seek(self._log_position)
            lines = file.readlines()
            self._log_position = file.tell()
        return [json.loads(line) for line in lines if line.startswith(b"{")]


def _build_command(spec: FunctionSpec) -> list[str]:
    """Return the command that runs the function in its directory, without the variables of this process."""
    variables = build_runtime_variables(spec) | dict(spec.variables)
    return [
        *(sys.executable, "-S", "-E", die_with_parent.__file__, str(os.getpid())),
        *("/usr/bin/env", "--ignore-environment", f"--chdir={spec.code}"),
        *(f"{name}={value}" for name, value in variables.items()),
        f"AWS_LAMBDA_FUNCTION_TIMEOUT={spec.timeout}",
        *(str(_find_emulator()), "--log-level", "warn"),
        *("--runtime-interface-emulator-address", "127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{find_free_port()}"),
        *(str(_PYTHON), "-m", "awslambdaric", spec.handler),
    ]


def _find_emulator() -> Path:
    """Return the emulator for this machine; raise ``LocalRunError`` if there is none."""
    name = _EMULATORS.get(platform.machine(), "") if platform.system() == "Linux" else ""
    for path in _ROOT.glob(f".venv-sam/lib/python3*/site-packages/samcli/local/rapid/{name or 'none'}"):
        return path
    raise LocalRunError(
        "AWS's runtime interface emulator needs Linux on x86_64 or arm64, and the SAM CLI: make invoke installs it"
    )
