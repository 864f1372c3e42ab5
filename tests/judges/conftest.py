"""A local run with a tolerant and a strict tenant for each test, and the table of the results.

These tests run in the environment ``.venv-judges``, without the fixtures of the other tests.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.judges import stack
from tests.judges.local_run import LocalRun, Mode, Tenant, start_local_run
from tests.judges.verdict import Check, Judge, Verdict, assess, format_table, load_deviations

DEVIATIONS = Path(__file__).parent / "deviations.json"

_VERDICTS = pytest.StashKey[list[Verdict]]()

Report = Callable[[Judge, Iterable[Check]], None]


@pytest.fixture(scope="session")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    data = tmp_path_factory.mktemp("run") / "data"
    if stack.NAME:
        yield stack.JudgedStack(data)
        return
    with start_local_run(data) as local_run:
        yield local_run


@pytest.fixture(params=list(Mode))
def tenant(request: pytest.FixtureRequest, local_run: LocalRun) -> Tenant:
    """A new tenant, in each of the modes."""
    return local_run.connect(request.param)


@pytest.fixture
def report(request: pytest.FixtureRequest, tenant: Tenant) -> Report:
    """Return a function that takes the checks of a judge; it fails if a complaint is ours."""

    def report(judge: Judge, checks: Iterable[Check]) -> None:
        verdict = assess(judge, tenant.mode, checks, load_deviations(DEVIATIONS))
        request.config.stash.setdefault(_VERDICTS, []).append(verdict)
        if faults := verdict.format_faults():
            pytest.fail(faults, pytrace=False)

    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of the results."""
    if verdicts := config.stash.get(_VERDICTS, []):
        terminalreporter.section("judges")
        terminalreporter.line(format_table(verdicts))
