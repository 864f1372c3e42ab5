"""Check that the log lines, metrics and alarms of the run arrive in CloudWatch."""

import ipaddress
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from deployment.smoke.check import CheckFailed
from deployment.smoke.run import SmokeRun

FORGED_ADDRESS = "192.0.2.1"
"""An address of the documentation (RFC 5737), which the check sends as ``X-Forwarded-For``."""
_FUTURE = timedelta(minutes=10)
_ALARM_NAMES_PER_CALL = 100


def check_log_lines(run: SmokeRun) -> str:
    """Check that a request has its log line, without personal data."""
    created = run.responses["create"]
    line = _wait_for_line(run, run.stack.outputs["FunctionLogGroup"], "request_id", created.request_id)
    expected = {"message": "request", "tenant": run.run_id, "operation": "POST Users", "status": 201}
    wrong = {name: line.get(name) for name, value in expected.items() if line.get(name) != value}
    if wrong:
        raise CheckFailed(f"The log line of a create has {wrong}.")
    if run.build_user_name("ada") in json.dumps(line):
        raise CheckFailed("The log line of a create contains the userName.")
    return f"request {created.request_id}"


def check_access_log(run: SmokeRun) -> str:
    """Check that API Gateway logs the address of the client, and not one that the client sends itself."""
    forged = {"X-Forwarded-For": FORGED_ADDRESS}
    response = run.client.send("GET", "/Users?count=1", headers=forged).require_status(200)
    group = run.stack.resources["AWS::Logs::LogGroup"]["AccessLogs"]
    line = _wait_for_line(run, group, "requestId", response.request_id)
    try:
        ipaddress.ip_address(line["ip"])
    except (KeyError, ValueError):
        raise CheckFailed(f"The access log has the address {line.get('ip')}.") from None
    if line["ip"] == FORGED_ADDRESS:
        raise CheckFailed("The access log has the address in the header X-Forwarded-For, which a client can choose.")
    return f"the address is {line['ip']}"


def check_fault_lines(run: SmokeRun) -> str:
    """Check that no function logged a fault during the run."""
    pages = run.stack.create_client("logs").get_paginator("filter_log_events")
    lines = [
        json.loads(event["message"])
        for page in pages.paginate(
            logGroupName=run.stack.outputs["FunctionLogGroup"],
            startTime=int(run.started * 1_000),
            filterPattern='{ $.message = "fault" }',
        )
        for event in page["events"]
    ]
    faults = [line for line in lines if isinstance(line, dict) and line.get("message") == "fault"]
    if faults:
        kinds = sorted({f"{line.get('kind')} {line.get('code', '')}".strip() for line in faults})
        raise CheckFailed(f"The functions logged {len(faults)} faults: {', '.join(kinds)}.")
    return "no faults"


def check_metrics(run: SmokeRun) -> str:
    """Check that the metric filters publish the metrics of the run's requests."""
    dimensions = {"operation": "POST Users", "status": "201"}
    metrics: list[tuple[str, Mapping[str, str]]] = [
        ("Requests", dimensions),
        ("Latency", {"operation": "POST Users"}),
        ("LatencyOfAll", {}),
        ("Unauthenticated", {}),
        ("UsersRead", {}),
        ("BulkOperations", {}),
        ("Failures", {}),
    ]
    for name, values in metrics:
        _wait_for_metric(run, run.stack.name, name, values)
    return ", ".join(name for name, _ in metrics)


def check_alarm_data(run: SmokeRun) -> str:
    """Check that Lambda publishes the metrics that ``LateChangesAlarm`` and ``RotationAlarm`` read."""
    metrics = (("IteratorAge", "ChangesFunction"), ("Errors", "RotationFunction"))
    for name, function in metrics:
        _wait_for_metric(run, "AWS/Lambda", name, {"FunctionName": run.stack.get_function(function)})
    return ", ".join(f"{name} of {function}" for name, function in metrics)


def check_alarms(run: SmokeRun) -> str:
    """Check that each alarm of the stack exists, can notify, and is OK."""
    expected = run.stack.resources["AWS::CloudWatch::Alarm"]

    def find_settled_alarms() -> list[dict[str, Any]] | None:
        alarms = _describe_alarms(run, list(expected.values()))
        is_settled = all(alarm["StateValue"] != "INSUFFICIENT_DATA" for alarm in alarms)
        return alarms if is_settled else None

    alarms = {alarm["AlarmName"]: alarm for alarm in run.wait_for("The state of an alarm", find_settled_alarms)}
    for logical_id, name in expected.items():
        if name not in alarms:
            raise CheckFailed(f"The alarm {logical_id} ({name}) does not exist.")
        if not alarms[name]["ActionsEnabled"]:
            raise CheckFailed(f"The actions of the alarm {logical_id} are turned off.")
        if alarms[name]["StateValue"] != "OK":
            raise CheckFailed(f"The alarm {logical_id} is in the state {alarms[name]['StateValue']}.")
    return f"{len(alarms)} alarms are OK"


def _describe_alarms(run: SmokeRun, names: list[str]) -> list[dict[str, Any]]:
    client = run.stack.create_client("cloudwatch")
    alarms: list[dict[str, Any]] = []
    for start in range(0, len(names), _ALARM_NAMES_PER_CALL):
        response = client.describe_alarms(AlarmNames=names[start : start + _ALARM_NAMES_PER_CALL], MaxRecords=100)
        alarms += response["MetricAlarms"]
    return alarms


def _wait_for_line(run: SmokeRun, group: str, field: str, value: str) -> dict[str, Any]:
    """Return the JSON line of a log group whose field has this value."""
    pages = run.stack.create_client("logs").get_paginator("filter_log_events")

    def find_line() -> dict[str, Any] | None:
        for page in pages.paginate(
            logGroupName=group, startTime=int(run.started * 1_000), filterPattern=f'{{ $.{field} = "{value}" }}'
        ):
            for event in page["events"]:
                line: dict[str, Any] = json.loads(event["message"])
                if line.get(field) == value and line.get("message") != "fault":
                    return line
        return None

    return run.wait_for(f"The line with {field} {value} in {group}", find_line)


def _wait_for_metric(run: SmokeRun, namespace: str, name: str, dimensions: Mapping[str, str]) -> None:
    """Wait until a metric has a data point since the start of the run."""
    client = run.stack.create_client("cloudwatch")
    start = datetime.fromtimestamp(run.started, UTC).replace(second=0, microsecond=0)

    def find_points() -> bool | None:
        points = client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=start,
            EndTime=datetime.now(UTC) + _FUTURE,
            Period=60,
            Statistics=["SampleCount"],
        )["Datapoints"]
        return True if points else None

    run.wait_for(f"The metric {name} in {namespace}", find_points)
