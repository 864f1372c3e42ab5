"""Compare the outcome of a sample event with ``events/expected``."""

import json
from typing import Any

from local.emulator.sample_event import SampleEvent
from tests.json_matching import find_difference


def find_deviation(event: SampleEvent, outcome: dict[str, Any]) -> str | None:
    """Return the first difference from the expected outcome, ``None`` if there is none.

    Events and dead letters that are not expected are a difference too.
    """
    expected = {"events": [], "deadLetters": [], **json.loads(event.expected_path.read_text())}
    return find_difference(expected, {"events": [], "deadLetters": [], **outcome})
