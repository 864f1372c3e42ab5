"""How much is compared, and the counts that the run ends with."""

import os

import pytest

from tests.differential.comparison import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()


@pytest.fixture(scope="session")
def size() -> int:
    """How many PATCH requests are compared; there are five times as many filters."""
    return int(os.environ.get("DIFFERENTIAL_SIZE", "1500"))


@pytest.fixture(scope="session")
def tallies(request: pytest.FixtureRequest) -> dict[str, Tally]:
    """Where the tests leave what they have counted."""
    return request.config.stash.setdefault(TALLIES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, tally in config.stash.get(TALLIES, {}).items():
        terminalreporter.section(f"{name}, compared with scim2-models")
        terminalreporter.line(str(tally))
