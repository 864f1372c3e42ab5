"""Send a sample event to its built function: ``python -m local.emulator EVENT``. ``make invoke`` builds it first."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.emulator.sample_event import SampleEvent
from local.emulator.stack import start_stack
from local.errors import LocalRunError

_ROOT = Path(__file__).parents[2]
BUILD = _ROOT / ".aws-sam/local/build"


def main(path: Path) -> int:
    """Print the outcome of an event, and return the exit code."""
    event = SampleEvent(path)
    try:
        _ = event.content  # an error in the file is reported before anything is started
        with TemporaryDirectory() as data, start_stack(_ROOT / "template.yaml", BUILD, Path(data)) as stack:
            outcome, invocation = stack.run(event)
    except LocalRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(format_outcome(outcome))
    name = event.select_function(stack.specs.values()).name
    print(f"{name}: {invocation.seconds * 1000:.0f} ms{'' if event.preceding else ', with its start'}")
    return 0


def format_outcome(outcome: dict[str, Any]) -> str:
    """Return the status, headers and body of a response, or the result of another function, as text."""
    parts = []
    if "status" in outcome:
        parts.append("\n".join([str(outcome["status"]), *(f"{k}: {v}" for k, v in outcome["headers"].items())]))
        parts.append(_format(outcome["body"]))
    else:
        parts.append(f"result: {_format(outcome['result'])}")
    parts += [f"{name}: {_format(outcome[name])}" for name in ("events", "deadLetters", "log") if name in outcome]
    return "\n\n".join(part for part in parts if part) + "\n"


def _format(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
