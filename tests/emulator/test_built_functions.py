"""All sample events get their expected outcome from the built functions, in AWS's runtime (``make invoke``)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.emulator.__main__ import BUILD
from local.emulator.sample_event import SampleEvent, list_sample_events
from local.emulator.stack import EmulatedStack, start_stack
from tests.emulator.sample_outcomes import find_deviation

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.built


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStack]:
    """The functions, one emulator for each."""
    with start_stack(ROOT / "template.yaml", BUILD, tmp_path_factory.mktemp("data")) as stack:
        yield stack


@pytest.mark.parametrize("event", list_sample_events(), ids=lambda event: event.name)
def test_sample_event_has_expected_outcome(stack: EmulatedStack, event: SampleEvent) -> None:
    outcome, _ = stack.run(event)
    assert find_deviation(event, outcome) is None


def test_first_responses(stack: EmulatedStack, record_property: Callable[[str, object], None]) -> None:
    """Print the time of the first response of each function that has a sample event: its start and one event."""
    stack.stop_functions()
    lines = []
    for event in list_sample_events():
        name = event.select_function(stack.specs.values()).name
        if name not in stack.started:
            outcome, invocation = stack.run(event)
            assert find_deviation(event, outcome) is None
            lines.append(f"{name:20} {invocation.seconds * 1000:6.0f} ms  {event.name}")
    assert len(lines) == len(stack.specs.keys() - {"PreTrafficHook"})
    record_property("summary", "\n".join(["First response of each function, with its start", *lines]))
