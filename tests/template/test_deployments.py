"""Updates of the stack: the test of new versions, the traffic shift, and the alarms that end it."""

from typing import Any

import pytest

from handlers.release_test import ReleasedFunction
from local.template import Intrinsic
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from tests.template.deployment import DEPLOYMENT, FUNCTIONS, HEALTH, HOOK, ROTATION
from tests.template_reader import Deployment

STRATEGIES = DEPLOYMENT["Parameters"]["DeploymentStrategy"]["AllowedValues"]
RELEASED = [name for name in FUNCTIONS if name != HEALTH]
MAX_ALARMS = 10  # AWS CodeDeploy user guide, "CodeDeploy limits"


def read_preferences(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return the deployment preferences of the functions that have one."""
    functions = deployment.select_by_type("AWS::Serverless::Function")
    return {
        name: properties["DeploymentPreference"]
        for name, properties in functions.items()
        if "DeploymentPreference" in properties
    }


def test_functions_with_traffic_are_deployed_by_codedeploy() -> None:
    preferences = read_preferences(DEPLOYMENT)
    assert preferences.keys() == set(RELEASED) == set(ReleasedFunction)
    for preference in preferences.values():
        assert preference["Type"] == Intrinsic("Sub", "CodeDeployDefault.Lambda${DeploymentStrategy}")
        assert preference["Hooks"] == {"PreTraffic": Intrinsic("Ref", HOOK)}
        assert preference["Role"] == Intrinsic("GetAtt", "DeploymentRole.Arn")


def test_strategies_are_those_of_codedeploy() -> None:
    """AWS CodeDeploy user guide, "Deployment configurations on an AWS Lambda compute platform"."""
    minutes = {f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)}
    linear = {f"Linear10PercentEvery{interval}" for interval in ("1Minute", "2Minutes", "3Minutes", "10Minutes")}
    assert set(STRATEGIES) == {"AllAtOnce"} | minutes | linear


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_gradual_deployments_watch_alarms(strategy: str) -> None:
    """CodeDeploy starts no deployment while an alarm is on. A fix must be deployable even then: all at once."""
    alarms = DEPLOYMENT.select_by_type("AWS::CloudWatch::Alarm")
    for preference in read_preferences(DEPLOYMENT.apply_parameters(DeploymentStrategy=strategy)).values():
        watched = {alarm.argument for alarm in preference["Alarms"]}
        if strategy == "AllAtOnce":
            assert watched == set()
        else:
            assert watched
            assert watched <= alarms.keys()
            assert len(watched) <= MAX_ALARMS


def test_deployment_alarm_is_faster_than_shortest_canary() -> None:
    alarm = DEPLOYMENT.select_by_type("AWS::CloudWatch::Alarm")["DeploymentAlarm"]
    assert (alarm["Period"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (60, 2, 0)


def test_hook_knows_new_versions_of_tested_functions() -> None:
    variables = DEPLOYMENT["Resources"][HOOK]["Properties"]["Environment"]["Variables"]
    assert variables == {function.variable: Intrinsic("Ref", f"{function}.Version") for function in ReleasedFunction}


def test_codedeploy_may_shift_functions_and_invoke_hook() -> None:
    (policy,) = DEPLOYMENT.select_by_type("AWS::IAM::Role")["DeploymentRole"]["ManagedPolicyArns"]
    statements = DEPLOYMENT.select_by_type("AWS::IAM::ManagedPolicy")[policy.argument]["PolicyDocument"]["Statement"]
    allowed = {action: statement["Resource"] for statement in statements for action in statement["Action"]}
    assert allowed["lambda:InvokeFunction"] == Intrinsic("GetAtt", f"{HOOK}.Arn")
    assert allowed["lambda:UpdateAlias"] == [Intrinsic("Sub", f"${{{name}.Arn}}*") for name in RELEASED]
    assert allowed.keys() == {
        "cloudwatch:DescribeAlarms",
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:InvokeFunction",
        "lambda:UpdateAlias",
    }


def test_hook_may_use_only_test_customer() -> None:
    for statement in DEPLOYMENT.list_statements(HOOK):
        service = statement["Action"][0].partition(":")[0]
        condition = statement.get("Condition", {})
        if service == "dynamodb":
            keys = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert set(keys) <= {f"A#{DEPLOYMENT_TEST_TENANT}", "TENANTS"}
        if service == "lambda":
            assert statement["Resource"] == [Intrinsic("Sub", f"${{{name}.Arn}}:*") for name in RELEASED]


def test_functions_without_requests_get_new_versions_at_once() -> None:
    """The hook would test itself, Secrets Manager repeats a failed rotation, and the schedule a failed check."""
    functions = DEPLOYMENT.select_by_type("AWS::Serverless::Function")
    assert functions.keys() - read_preferences(DEPLOYMENT).keys() == {HOOK, ROTATION, HEALTH}
