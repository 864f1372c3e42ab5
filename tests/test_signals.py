"""Compare metrics, alarms and the dashboard with the log lines and the documentation."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, ne
from pathlib import Path
from typing import Any

import pytest

from local.template import Intrinsic
from tests.template_reader import Deployment
from tests.test_docs import rows

ROOT = Path(__file__).parent.parent
DEPLOYMENT = Deployment(ROOT / "template.yaml")
FILTERS = DEPLOYMENT.of_type("AWS::Logs::MetricFilter")
ALARMS = DEPLOYMENT.of_type("AWS::CloudWatch::Alarm")
NOTIFICATION_ACTIONS = [
    Intrinsic("If", ["HasAlarmTopic", Intrinsic("Ref", "AlarmTopic"), Intrinsic("Ref", "AWS::NoValue")]),
    Intrinsic("If", ["HasAlarmEmail", Intrinsic("Ref", "AlarmMail"), Intrinsic("Ref", "AWS::NoValue")]),
]

LOG_HEADINGS_OF_FUNCTIONS = ["## Events", "## Links"]

_COMPARE = {"=": eq, "!=": ne, ">": gt, ">=": ge, "<=": le}


def metrics() -> set[str]:
    return {each["MetricTransformations"][0]["MetricName"] for each in FILTERS.values()}


def read_functions() -> dict[str, dict[str, Any]]:
    return DEPLOYMENT.of_type("AWS::Serverless::Function")


def list_metrics_of(line: Mapping[str, Any]) -> set[str]:
    """Return the metrics for which a log line counts."""
    return {
        each["MetricTransformations"][0]["MetricName"]
        for each in FILTERS.values()
        if all(
            any(_matches(term, line) for term in part.strip("() ").split(" || "))
            for part in each["FilterPattern"].strip("{} ").split(" && ")
        )
    }


def _matches(term: str, line: Mapping[str, Any]) -> bool:
    """Return whether a log line matches a comparison of a filter pattern.

    ``*`` matches any value. A field that is absent never matches.
    """
    field, operator, wanted = term.removeprefix("$.").split(" ", 2)
    if field not in line or wanted == "*":
        return field in line
    value, expected = line[field], json.loads(wanted)
    if isinstance(expected, str) and operator in ("=", "!="):
        return (isinstance(value, str) and fnmatchcase(value, expected)) == (operator == "=")
    return not isinstance(value, str) and bool(_COMPARE[operator](value, expected))


def dashboard() -> dict[str, Any]:
    (board,) = DEPLOYMENT.of_type("AWS::CloudWatch::Dashboard").values()
    document: dict[str, Any] = json.loads(board["DashboardBody"].argument)
    return document


def test_every_metric_reads_a_documented_field() -> None:
    fields = [field for field, _ in rows("docs/operate/logs.md", "# Log lines")]
    fields += [fields for _, fields, _ in rows("docs/operate/logs.md", "## Warnings and errors")]
    fields += [field for heading in LOG_HEADINGS_OF_FUNCTIONS for field, _ in rows("docs/operate/logs.md", heading)]
    documented = {name for each in fields for name in re.findall(r"`(\w+)`", each)}
    for each in FILTERS.values():
        (transformation,) = each["MetricTransformations"]
        text = " ".join([each["FilterPattern"], transformation["MetricValue"], str(transformation.get("Dimensions"))])
        assert set(re.findall(r"\$\.(\w+)", text)) - {"message"} <= documented


def test_every_metric_is_documented_and_shown() -> None:
    documented = {name.strip("`") for name, _ in rows("docs/operate/metrics.md", "# Metrics")}
    assert documented == metrics()
    shown = json.dumps(dashboard())
    assert {name for name in metrics() if f'"{name}' in shown or f'\\"{name}\\' in shown} >= metrics() - {
        "LatencyOfAll"
    }


def test_no_dimension_is_a_tenant() -> None:
    """CloudWatch charges for each value of a dimension."""
    used = {
        dimension["Key"]
        for each in FILTERS.values()
        for dimension in each["MetricTransformations"][0].get("Dimensions", [])
    }
    assert used == {"operation", "status"}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_notifies_and_is_documented(name: str) -> None:
    alarm = ALARMS[name]
    documented = {alarm.strip("`"): what for alarm, _, what in rows("docs/operate/alarms.md", "# Alarms")}
    assert len(documented[name]) > 20
    assert alarm["AlarmActions"] == NOTIFICATION_ACTIONS
    assert alarm["TreatMissingData"] == "notBreaching"
    if alarm.get("Namespace") == Intrinsic("Ref", "AWS::StackName"):
        assert alarm["MetricName"] in metrics()


@pytest.mark.parametrize(
    ("line", "metrics"),
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
        ({"message": "request", "status": 401, "rejected_tenant": "acme"}, {"Unauthenticated", "RejectedTokens"}),
    ],
)
def test_log_line_counts_for_metrics(line: dict[str, Any], metrics: set[str]) -> None:
    metrics_of_every_request = {"Requests", "Latency", "LatencyOfAll"} if line["message"] == "request" else set()
    assert list_metrics_of({"operation": "GET Users"} | line) == metrics | metrics_of_every_request


@pytest.mark.parametrize(
    ("status", "metrics"),
    [("500", {"GatewayFaults"}), ("503", {"GatewayFaults"}), ("501", set()), ("404", set()), ("200", set())],
)
def test_access_log_counts_faults(status: str, metrics: set[str]) -> None:
    """All values in the access log are strings."""
    assert list_metrics_of({"route": "$default", "status": status, "functionStatus": status}) == metrics


def test_unsupported_requests_do_not_notify() -> None:
    """API Gateway's own metric 5xx counts 501 too, so no alarm uses it."""
    assert "5xx" not in {alarm.get("MetricName") for alarm in ALARMS.values()}
    assert ALARMS["GatewayAlarm"]["MetricName"] == "GatewayFaults"


@pytest.mark.parametrize(("name", "hours"), [("RejectedTokenAlarm", 1), ("ExpiringTokenAlarm", 24)])
def test_alarms_for_rejected_and_expiring_tokens(name: str, hours: int) -> None:
    alarm = ALARMS[name]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Sum", "GreaterThanThreshold")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (0, 1, hours * 3_600)


def test_throttle_alarm_covers_every_function() -> None:
    throttled = [each["MetricStat"]["Metric"] for each in ALARMS["ThrottleAlarm"]["Metrics"] if "MetricStat" in each]
    assert {each["MetricName"] for each in throttled} == {"Throttles"}
    assert sorted(dimension["Value"].argument for each in throttled for dimension in each["Dimensions"]) == sorted(
        read_functions()
    )


def test_functions_without_gateway_have_an_alarm() -> None:
    """GatewayAlarm covers the functions of API Gateway, and the alarms of a queue cover its function."""
    behind = {
        name
        for name, each in read_functions().items()
        if any(event["Type"] == "HttpApi" for event in each.get("Events", {}).values())
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
        for name, each in read_functions().items()
        for event in each.get("Events", {}).values()
        if event["Type"] == "SQS" and event["Properties"]["Queue"].argument.removesuffix(".Arn") in queues
    }
    assert behind
    assert watched == read_functions().keys() - behind
