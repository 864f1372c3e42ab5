"""The number of comparisons, and the summary at the end of the run."""

import os

import pytest

from tests.differential.comparison import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()


@pytest.fixture(scope="session")
def size() -> int:
    """Return the number of PATCH requests to compare. The number of filters is five times as large."""
    return int(os.environ.get("DIFFERENTIAL_SIZE", "1500"))


@pytest.fixture(scope="session")
def tallies(request: pytest.FixtureRequest) -> dict[str, Tally]:
    """Return the dictionary to which the tests add their tallies."""
    return request.config.stash.setdefault(TALLIES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, tally in config.stash.get(TALLIES, {}).items():
        terminalreporter.section(f"{name}, compared with scim2-models")
        terminalreporter.line(str(tally))
