"""Metrics, alarms and the dashboard: read from what the functions log, and documented."""

import json
import re
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
RING = [
    Intrinsic("If", ["HasAlarmTopic", Intrinsic("Ref", "AlarmTopic"), Intrinsic("Ref", "AWS::NoValue")]),
    Intrinsic("If", ["HasAlarmEmail", Intrinsic("Ref", "AlarmMail"), Intrinsic("Ref", "AWS::NoValue")]),
]


def metrics() -> set[str]:
    return {each["MetricTransformations"][0]["MetricName"] for each in FILTERS.values()}


def dashboard() -> dict[str, Any]:
    (board,) = DEPLOYMENT.of_type("AWS::CloudWatch::Dashboard").values()
    found: dict[str, Any] = json.loads(board["DashboardBody"].argument)
    return found


def test_every_metric_is_read_from_a_field_that_is_documented() -> None:
    documented = {
        name.strip("`") for field, _ in rows("docs/operations.md", "## Log lines") for name in field.split(", ")
    }
    for each in FILTERS.values():
        (transformation,) = each["MetricTransformations"]
        text = " ".join([each["FilterPattern"], transformation["MetricValue"], str(transformation.get("Dimensions"))])
        assert set(re.findall(r"\$\.(\w+)", text)) - {"message"} <= documented


def test_every_metric_is_documented_and_shown() -> None:
    documented = {name.strip("`") for name, _ in rows("docs/operations.md", "## Metrics")}
    assert documented == metrics()
    shown = json.dumps(dashboard())
    assert {name for name in metrics() if f'"{name}' in shown or f'\\"{name}\\' in shown} >= metrics() - {
        "LatencyOfAll"
    }


def test_no_dimension_is_a_tenant() -> None:
    """Each value of a dimension is a metric that is paid for."""
    used = {
        dimension["Key"]
        for each in FILTERS.values()
        for dimension in each["MetricTransformations"][0].get("Dimensions", [])
    }
    assert used == {"operation", "status"}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_rings_and_is_documented_with_what_to_do(name: str) -> None:
    alarm = ALARMS[name]
    documented = {alarm.strip("`"): what for alarm, _, what in rows("docs/operations.md", "## Alarms")}
    assert len(documented[name]) > 20
    assert alarm["AlarmActions"] == RING
    assert alarm["TreatMissingData"] == "notBreaching"
    if alarm.get("Namespace") == Intrinsic("Ref", "AWS::StackName"):
        assert alarm["MetricName"] in metrics()
