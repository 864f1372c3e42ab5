"""The checks of metrics, against CloudWatch as moto simulates it."""

import uuid
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest

from cli.deployment import Deployment
from deployment.smoke.check import CheckFailed
from deployment.smoke.checks.signals import check_alarm_data
from deployment.smoke.run import SmokeRun
from deployment.smoke.stack import Stack


@pytest.fixture
def run(aws: None) -> SmokeRun:
    """A run that waits for nothing, with functions that have no metrics."""
    stack = Stack(boto3.Session(region_name="eu-west-1"), "muster")
    functions = {name: f"{name}-{uuid.uuid4()}" for name in ("ChangesFunction", "RotationFunction")}
    vars(stack)["resources"] = {"AWS::Lambda::Function": functions}
    return SmokeRun(stack, cast(Deployment, None), "https://scim.example.com/scim/v2", wait_s=0)


def publish(run: SmokeRun, metric: str, function: str) -> None:
    datum: Any = {
        "MetricName": metric,
        "Value": 0,
        "Timestamp": datetime.now(UTC),
        "Dimensions": [{"Name": "FunctionName", "Value": run.stack.get_function(function)}],
    }
    run.stack.create_client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])


def test_metrics_of_lambda_pass(run: SmokeRun) -> None:
    publish(run, "IteratorAge", "ChangesFunction")
    publish(run, "Errors", "RotationFunction")
    assert check_alarm_data(run) == "IteratorAge of ChangesFunction, Errors of RotationFunction"


@pytest.mark.parametrize(("metric", "function"), [("IteratorAge", "RotationFunction"), ("Duration", "ChangesFunction")])
def test_metrics_of_lambda_fail_without_iterator_age(run: SmokeRun, metric: str, function: str) -> None:
    publish(run, metric, function)
    with pytest.raises(CheckFailed, match="IteratorAge in AWS/Lambda did not arrive"):
        check_alarm_data(run)


def test_metrics_of_lambda_fail_without_errors(run: SmokeRun) -> None:
    publish(run, "IteratorAge", "ChangesFunction")
    with pytest.raises(CheckFailed, match="Errors in AWS/Lambda did not arrive"):
        check_alarm_data(run)
