"""The Lambda runtime of one execution environment: ``python -m local.aws_lambda.runtime HANDLER``.

Each line of standard input is an invocation, and each line of standard output is its outcome, both in JSON. The first
outcome says whether the handler could be imported. The handler's own output goes to standard error, which is the
function's log. The process ends when its standard input is closed, so it can't outlive the process that started it.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from local.validation.clients import build_client_error, validate_clients

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RESULT_LIMIT = 6 * 1024 * 1024


@dataclass(frozen=True)
class Context:
    """The context object, a handler's second argument. ``deadline`` is in seconds since the epoch.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left until the function times out."""
        return max(0, int((self.deadline - time.time()) * 1000))


def main(handler: str) -> None:
    """Import the handler and run it for each invocation."""
    outcomes = _redirect_standard_output()
    validate_clients(build_client_error)  # the engine accepts some requests that DynamoDB rejects
    try:
        function = _import_handler(handler)
    except Exception as error:  # noqa: BLE001 - a module may raise anything when it is imported
        traceback.print_exc()
        _send(outcomes, {"error": f"{type(error).__name__}: {error}"})
        return
    _send(outcomes, {"result": None})
    for line in sys.stdin:
        invocation = json.loads(line)
        _send(outcomes, _invoke(function, invocation["event"], Context(**invocation["context"])))


def _redirect_standard_output() -> TextIO:
    """Return a stream to standard output, and redirect all later output to standard error."""
    outcomes = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return outcomes


def _import_handler(handler: str) -> Callable[[Any, Context], object]:
    module, _, name = handler.rpartition(".")
    function: Callable[[Any, Context], object] = getattr(importlib.import_module(module), name)
    return function


def _invoke(function: Callable[[Any, Context], object], event: object, context: Context) -> dict[str, object]:
    """Return the result or the error of the handler. As on Lambda, an exception does not end the environment."""
    try:
        outcome = {"result": function(event, context)}
        size = len(json.dumps(outcome["result"], ensure_ascii=False).encode())
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    return outcome if size <= RESULT_LIMIT else {"error": f"the result has {size} bytes, Lambda allows {RESULT_LIMIT}"}


def _send(outcomes: TextIO, outcome: dict[str, object]) -> None:
    outcomes.write(json.dumps(outcome) + "\n")
    outcomes.flush()


if __name__ == "__main__":
    main(sys.argv[1])
