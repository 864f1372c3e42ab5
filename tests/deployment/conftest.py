"""An AWS account on the emulator, and a stack in it, for the tests of a file; and the table of the steps."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.deployment.emulated.account import EmulatedAccount, start_account
from tests.deployment.emulated.stack import DeployedStack


@pytest.fixture(autouse=True)
def _describe_step(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Name the step in the report, which also arrives from the processes of pytest-xdist."""
    if request.node.get_closest_marker("e2e"):
        step = f"{request.function.__doc__}".splitlines()[0]
        parameters = request.node.name.partition("[")[2].removesuffix("]")
        record_property("step", f"{step} ({parameters})" if parameters else step)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table of the steps with their times. The first step of a file includes the start of the emulator."""
    reports = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    durations: dict[str, float] = {}
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and report.when != "teardown":
            durations[report.nodeid] = durations.get(report.nodeid, 0.0) + report.duration
    rows = [(report, step) for report in reports for name, step in report.user_properties if name == "step"]
    if rows:
        terminalreporter.section("steps")
        for report, step in rows:
            terminalreporter.line(f"{report.outcome:<7}{durations[report.nodeid]:>7.1f} s  {step}")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An empty account."""
    with start_account(tmp_path_factory.mktemp("account")) as account:
        yield account


@pytest.fixture(scope="module")
def stack(account: EmulatedAccount) -> DeployedStack:
    """The stack ``muster`` with the built functions."""
    return account.deploy("muster")
