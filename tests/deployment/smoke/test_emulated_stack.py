"""The smoke test passes on a healthy stack, and each check fails on a stack that is broken on purpose.

The stack is deployed to the emulator. ``make e2e SHORT=1`` breaks it in the quick ways, ``make e2e`` in all ways.
"""

import re
import sys

import pytest

from deployment.smoke.checks import CHECKS
from tests.deployment.emulated.account import DeploymentError
from tests.deployment.emulated.stack import DeployedStack
from tests.deployment.smoke.breakages import BREAKAGES, Breakage

pytestmark = pytest.mark.e2e

NOT_APPLICABLE = {"encryption", "KMS key"}
"""The checks of a stack with the parameter ``KmsKeyArn``."""
NOT_BROKEN_HERE = {"metrics of Lambda"}
"""``test_signals.py`` shows that this check fails: no mistake in a stack turns off the metrics of Lambda."""
_PARAMETERS = [
    pytest.param(breakage, marks=[] if breakage.is_quick else pytest.mark.nightly, id=breakage.check)
    for breakage in BREAKAGES
]


def run_smoke_test(stack: DeployedStack, *options: str, wait: int = 240, **variables: str) -> str:
    """Run the smoke test as ``make smoke`` does. Raise :class:`DeploymentError` if a check fails."""
    environment = ("/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()))
    command = (sys.executable, "-m", "deployment.smoke", f"--stack={stack.name}", f"--wait={wait}", *options)
    return stack.account.run(*environment, *command)


def read_results(output: str) -> dict[str, str]:
    """Return the result of each check in a table."""
    outcomes = "passed|failed|not run|not applicable"
    return dict(re.findall(rf"^(\S.*?) +({outcomes}) +[\d.]+ ", output, re.MULTILINE))


def list_smoke_items(stack: DeployedStack) -> list[object]:
    """Return everything in the account that a run could have left."""
    account = stack.account
    items = account.client("dynamodb").scan(TableName=stack.outputs["TableName"])["Items"]
    rules = account.client("events").list_rules(EventBusName=stack.outputs["EventBusName"])["Rules"]
    queues = account.client("sqs").list_queues(QueueNamePrefix="smoke-test-").get("QueueUrls", [])
    secrets = account.client("secretsmanager").list_secrets()["SecretList"]
    return [
        *[item for item in items if "smoke-test-" in str(item)],
        *[rule for rule in rules if rule["Name"].startswith("smoke-test-")],
        *queues,
        *[secret for secret in secrets if "smoke-test-" in secret["Name"]],
    ]


def test_healthy_stack_passes_all_checks(stack: DeployedStack) -> None:
    """Run the smoke test on a healthy stack, and find nothing that it left."""
    results = read_results(run_smoke_test(stack))
    assert set(results) == {check.name for check in CHECKS} | {"clean up"}
    assert {name for name, outcome in results.items() if outcome != "passed"} == NOT_APPLICABLE
    assert list_smoke_items(stack) == []


def test_each_check_has_breakage() -> None:
    """Find a way to break the stack for each check of the smoke test."""
    broken = {breakage.check for breakage in BREAKAGES}
    assert broken | NOT_APPLICABLE | NOT_BROKEN_HERE == {check.name for check in CHECKS}


@pytest.mark.parametrize("breakage", _PARAMETERS)
def test_check_fails_on_broken_stack(stack: DeployedStack, breakage: Breakage) -> None:
    """Break the stack on purpose, and see that one check of the smoke test fails."""
    with breakage.apply(stack) as attempt:
        options = [f"--only={breakage.check}", *([f"--url={attempt.url}"] if attempt.url else [])]
        with pytest.raises(DeploymentError) as failure:
            run_smoke_test(stack, *options, wait=8, **attempt.variables or {})
    output = str(failure.value)
    results = read_results(output)
    assert {name for name, outcome in results.items() if outcome == "failed"} - {"clean up"} == {breakage.check}, output
    (row,) = [line for line in output.splitlines() if line.startswith(f"{breakage.check} ")]
    assert breakage.detail in row
