"""Compare metrics, alarms and the dashboard with the log lines and the documentation."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.template import Intrinsic
from tests.deployment.emulated.filter_pattern import matches_pattern
from tests.template_reader import Deployment
from tests.test_docs import read_table

ROOT = Path(__file__).parent.parent
DEPLOYMENT = Deployment(ROOT / "template.yaml")
FILTERS = DEPLOYMENT.select_by_type("AWS::Logs::MetricFilter")
ALARMS = DEPLOYMENT.select_by_type("AWS::CloudWatch::Alarm")
NOTIFICATION_ACTIONS = [
    Intrinsic("If", ["HasAlarmTopic", Intrinsic("Ref", "AlarmTopic"), Intrinsic("Ref", "AWS::NoValue")]),
    Intrinsic("If", ["HasAlarmEmail", Intrinsic("Ref", "AlarmMail"), Intrinsic("Ref", "AWS::NoValue")]),
]

LOG_HEADINGS_OF_FUNCTIONS = ["## Events", "## Health checks", "## Links"]


def list_metrics() -> set[str]:
    return {metric["MetricTransformations"][0]["MetricName"] for metric in FILTERS.values()}


def read_functions() -> dict[str, dict[str, Any]]:
    return DEPLOYMENT.select_by_type("AWS::Serverless::Function")


def list_metrics_of(line: Mapping[str, Any]) -> set[str]:
    """Return the metrics for which a log line counts."""
    return {
        metric["MetricTransformations"][0]["MetricName"]
        for metric in FILTERS.values()
        if matches_pattern(metric["FilterPattern"], line)
    }


def read_dashboard() -> dict[str, Any]:
    (board,) = DEPLOYMENT.select_by_type("AWS::CloudWatch::Dashboard").values()
    document: dict[str, Any] = json.loads(board["DashboardBody"].argument)
    return document


def test_metrics_read_documented_fields() -> None:
    fields = [field for field, _ in read_table("docs/operate/logs.md", "# Log lines")]
    fields += [fields for _, fields, _ in read_table("docs/operate/logs.md", "## Warnings and errors")]
    fields += [
        field for heading in LOG_HEADINGS_OF_FUNCTIONS for field, _ in read_table("docs/operate/logs.md", heading)
    ]
    documented = {name for field in fields for name in re.findall(r"`(\w+)`", field)}
    for metric in FILTERS.values():
        (transformation,) = metric["MetricTransformations"]
        text = " ".join([metric["FilterPattern"], transformation["MetricValue"], str(transformation.get("Dimensions"))])
        assert set(re.findall(r"\$\.(\w+)", text)) - {"message"} <= documented


@pytest.mark.parametrize("name", FILTERS)
def test_metric_publishes_only_fields_of_its_pattern(name: str) -> None:
    """CloudWatch finds the value and the dimensions of a metric only if the filter pattern names their fields."""
    (transformation,) = FILTERS[name]["MetricTransformations"]
    published = [transformation["MetricValue"], *(item["Value"] for item in transformation.get("Dimensions", []))]
    fields = set(re.findall(r"\$\.(\w+)", " ".join(published)))
    assert fields <= set(re.findall(r"\$\.(\w+)", FILTERS[name]["FilterPattern"]))


def test_metric_filters_are_created_one_after_another() -> None:
    """Filters that are created at the same moment can exceed the rate limit of CloudWatch Logs."""
    names = list(FILTERS)
    previous = [DEPLOYMENT["Resources"][name].get("DependsOn") for name in names]
    assert previous == [None, *names[:-1]]


def test_metrics_are_documented_and_shown() -> None:
    documented = {name.strip("`") for name, _ in read_table("docs/operate/metrics.md", "# Metrics")}
    assert documented == list_metrics()
    shown = json.dumps(read_dashboard())
    assert {name for name in list_metrics() if f'"{name}' in shown or f'\\"{name}\\' in shown} >= list_metrics() - {
        "LatencyOfAll"
    }


def test_no_dimension_is_tenant() -> None:
    """CloudWatch charges for each value of a dimension."""
    used = {
        dimension["Key"]
        for metric in FILTERS.values()
        for dimension in metric["MetricTransformations"][0].get("Dimensions", [])
    }
    assert used == {"operation", "status"}


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_notifies_and_is_documented(name: str) -> None:
    alarm = ALARMS[name]
    documented = {alarm.strip("`"): what for alarm, _, what in read_table("docs/operate/alarms.md", "# Alarms")}
    assert len(documented[name]) > 20
    assert alarm.get("AlarmActions") == (None if name == "DeploymentAlarm" else NOTIFICATION_ACTIONS)
    assert alarm["TreatMissingData"] == "notBreaching"
    if alarm.get("Namespace") == Intrinsic("Ref", "AWS::StackName"):
        assert alarm["MetricName"] in list_metrics()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"message": "token expires", "within_days": 30}, set()),
        ({"message": "token expires", "within_days": 7}, {"ExpiringTokens"}),
        ({"message": "token expires", "within_days": 1}, {"ExpiringTokens"}),
        ({"message": "console", "status": 500}, {"Faults"}),
        ({"message": "console", "status": 404}, set()),
        ({"message": "request", "status": 503}, {"Faults"}),
        ({"message": "request", "status": 501}, set()),
        ({"message": "request", "status": 500}, {"Faults"}),
        ({"message": "request", "status": 502}, {"Faults"}),
        ({"message": "request", "status": 401}, {"Unauthenticated"}),
        ({"message": "request", "status": 429, "rule": "rate-limit"}, {"RateLimited"}),
        ({"message": "request", "status": 429, "rule": "token"}, set()),
        ({"message": "request", "status": 401, "rejected_tenant": "acme"}, {"Unauthenticated", "RejectedTokens"}),
    ],
)
def test_log_line_counts_for_metrics(line: dict[str, Any], expected: set[str]) -> None:
    metrics_of_requests = {"Requests", "Latency", "LatencyOfAll"} if line["message"] == "request" else set()
    assert list_metrics_of({"operation": "GET Users", "ms": 1.5} | line) == expected | metrics_of_requests


@pytest.mark.parametrize(
    ("status", "expected"),
    [("500", {"GatewayFaults"}), ("503", {"GatewayFaults"}), ("501", set()), ("404", set()), ("200", set())],
)
def test_access_log_counts_faults(status: str, expected: set[str]) -> None:
    """All values in the access log are strings."""
    assert list_metrics_of({"route": "$default", "status": status, "functionStatus": status}) == expected


def test_unsupported_requests_do_not_notify() -> None:
    """API Gateway's own metric 5xx counts 501 too, so no alarm uses it."""
    assert "5xx" not in {alarm.get("MetricName") for alarm in ALARMS.values()}
    assert ALARMS["GatewayAlarm"]["MetricName"] == "GatewayFaults"


@pytest.mark.parametrize(("name", "hours"), [("RejectedTokenAlarm", 1), ("ExpiringTokenAlarm", 24)])
def test_alarms_for_rejected_and_expiring_tokens(name: str, hours: int) -> None:
    alarm = ALARMS[name]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Sum", "GreaterThanThreshold")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (0, 1, hours * 3_600)


def test_alarm_for_the_rate_limit_ignores_a_first_synchronization() -> None:
    """A first synchronization of 500,000 users is over the default limit for less than six hours."""
    alarm = ALARMS["RateLimitAlarm"]
    hours = alarm["DatapointsToAlarm"]
    assert (alarm["Period"], alarm["EvaluationPeriods"], hours) == (3_600, 6, 6)
    parameters = DEPLOYMENT["Parameters"]
    burst, rate = (int(parameters[name]["Default"]) for name in ("RateLimitBurst", "RateLimit"))
    assert (500_000 - burst) / rate < hours * alarm["Period"]


def test_throttle_alarm_covers_all_functions() -> None:
    throttled = [item["MetricStat"]["Metric"] for item in ALARMS["ThrottleAlarm"]["Metrics"] if "MetricStat" in item]
    assert {metric["MetricName"] for metric in throttled} == {"Throttles"}
    assert sorted(dimension["Value"].argument for metric in throttled for dimension in metric["Dimensions"]) == sorted(
        read_functions()
    )


def test_functions_without_gateway_have_alarm() -> None:
    """GatewayAlarm covers the functions of API Gateway, and the alarms of a queue cover its function.

    A deployment fails if its hook fails.
    """
    http_functions = {
        name
        for name, properties in read_functions().items()
        if any(event["Type"] == "HttpApi" for event in properties.get("Events", {}).values())
    }
    watched = {
        dimension["Value"].argument
        for alarm in ALARMS.values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "FunctionName"
    }
    queues = {
        dimension["Value"].argument.removesuffix(".QueueName")
        for alarm in ALARMS.values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    watched |= {
        name
        for name, properties in read_functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS" and event["Properties"]["Queue"].argument.removesuffix(".Arn") in queues
    }
    assert http_functions
    assert watched == read_functions().keys() - http_functions - {"PreTrafficHook"}
