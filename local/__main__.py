"""Run the endpoint until Ctrl-C: ``python -m local``. ``make run`` installs the requirements first."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from local.errors import LocalRunError
from local.port import parse_port
from local.run import RunOptions, run

_ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the endpoint and return the exit code."""
    try:
        _remove_aws_variables()
        asyncio.run(_run_until_signal(_parse_options()))
    except LocalRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 0
    return 0


def _parse_options() -> RunOptions:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--port", type=parse_port, default=8080)
    parser.add_argument("--data", type=Path, default=Path(".local"), help="the directory of the data (default: .local)")
    parser.add_argument("--template", type=Path, default=_ROOT / "template.yaml")
    parser.add_argument(
        "--parameter",
        type=_parse_parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a parameter of the template, for example RateLimit=1",
    )
    options = parser.parse_args()
    return RunOptions(options.template, options.data, options.port, dict(options.parameter))


def _parse_parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


async def _run_until_signal(options: RunOptions) -> None:
    task = asyncio.ensure_future(run(options))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await task


def _remove_aws_variables() -> None:
    """Remove the user's own AWS profile, keys and endpoints from the environment, except the chosen DynamoDB engine."""
    for name in list(os.environ):
        if name.startswith("AWS_") and name != "AWS_ENDPOINT_URL_DYNAMODB":
            del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
