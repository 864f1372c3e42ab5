"""Workarounds of ``emulator.py`` for the services that the smoke test reads: logs, metrics, alarms and permissions.

``emulator.py`` runs as a script, so this module imports its neighbour without a package.
"""

import contextvars
import inspect
import json
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from filter_pattern import matches_pattern  # type: ignore[import-not-found]
from ministack.core import iam_evaluator  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    apigateway,
    cloudwatch,
    cloudwatch_logs,
    iam,
    lambda_svc,
    secretsmanager,
)

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")
_ROTATOR = "secretsmanager.amazonaws.com"


def match_json_patterns() -> None:
    """Apply JSON filter patterns to the lines of FilterLogEvents. ministack returns all lines."""
    members = vars(cloudwatch_logs)
    compile_pattern = members["_compile_filter_pattern"]

    def compile_with_json(pattern: str) -> Any:
        if not (pattern or "").startswith("{"):
            return compile_pattern(pattern)
        return lambda message: (line := _parse(message)) is not None and matches_pattern(pattern, line)

    members["_compile_filter_pattern"] = compile_with_json


def publish_filtered_metrics() -> None:
    """Publish the metrics of metric filters. ministack only stores the filters."""
    members = vars(cloudwatch_logs)
    forward = members["_fanout_to_subscription_filters"]

    def publish(group: str, stream: str, events: list[dict[str, Any]]) -> None:
        forward(group, stream, events)
        filters = [stored for (name, _), stored in members["_metric_filters"].items() if name == group]
        for line in filter(None, (_parse(event["message"]) for event in events)):
            for stored in filters:
                if matches_pattern(stored["filterPattern"], line):
                    _publish(stored, line)

    members["_fanout_to_subscription_filters"] = publish


def _publish(stored: Mapping[str, Any], line: Mapping[str, Any]) -> None:
    for metric in stored["metricTransformations"]:
        values = {name: str(line[path.removeprefix("$.")]) for name, path in metric.get("dimensions", {}).items()}
        source = str(metric["metricValue"])
        value = line[source.removeprefix("$.")] if source.startswith("$.") else source
        cloudwatch.record_metric(
            metric["metricNamespace"], metric["metricName"], float(value), metric.get("unit", "None"), values
        )


def publish_iterator_age() -> None:
    """Publish ``IteratorAge`` of functions that read a stream. ministack publishes the other metrics of Lambda."""
    members = vars(lambda_svc)
    execute = members["_execute_function"]

    def execute_with_age(function: dict[str, Any], event: Any, *arguments: Any, **options: Any) -> Any:
        result = execute(function, event, *arguments, **options)
        records = event.get("Records", []) if isinstance(event, dict) else []
        ages = [
            time.time() - record["dynamodb"]["ApproximateCreationDateTime"]
            for record in records
            if "dynamodb" in record
        ]
        if ages:
            name = function.get("config", function)["FunctionName"]
            cloudwatch.record_metric(
                "AWS/Lambda", "IteratorAge", max(ages) * 1_000, "Milliseconds", {"FunctionName": name}
            )
        return result

    members["_execute_function"] = execute_with_age


def write_access_log() -> None:
    """Write the access log of HTTP APIs, and send its request id to the function and the client, as AWS does."""
    members = vars(apigateway)
    invoke, create_id = members["_invoke_lambda_proxy"], members["new_uuid"]
    signature = inspect.signature(invoke)

    async def invoke_with_log(*arguments: Any, **options: Any) -> Any:
        values = signature.bind(*arguments, **options).arguments
        token = _request_id.set(str(uuid.uuid4()))
        started = time.monotonic()
        try:
            status, headers, body = await invoke(*arguments, **options)
            headers["apigw-requestid"] = _request_id.get()
            _write_line(values, status, body, time.monotonic() - started)
        finally:
            _request_id.reset(token)
        return status, headers, body

    members["_invoke_lambda_proxy"] = invoke_with_log
    members["new_uuid"] = lambda: _request_id.get(None) or create_id()


def _write_line(values: Mapping[str, Any], status: int, body: bytes, seconds: float) -> None:
    stage = vars(apigateway)["_stages"].get(values["api_id"], {}).get("$default") or {}
    settings = stage.get("accessLogSettings")
    if not settings:
        return
    known = {
        "requestId": _request_id.get(),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
        "identity.sourceIp": "127.0.0.1",
        "httpMethod": values["method"],
        "routeKey": values.get("route_key", "$default"),
        "status": str(status),
        "responseLength": str(len(body)),
        "responseLatency": str(int(seconds * 1_000)),
        "integration.status": "200",
    }
    line = re.sub(r"\$context\.([\w.]+)", lambda match: known.get(match[1], "-"), settings["format"])
    group_name = settings["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
    logs = vars(cloudwatch_logs)
    group = logs["_log_groups"].get(group_name)
    if group is None:
        return
    now = int(time.time() * 1_000)
    empty = {"events": [], "uploadSequenceToken": "1", "creationTime": now}
    empty |= dict.fromkeys(("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime"))
    event = {"timestamp": now, "message": line, "ingestionTime": now}
    logs["_append_log_events"](group["streams"].setdefault("access", empty), [event])
    logs["_fanout_to_subscription_filters"](group_name, "access", [event])


def treat_missing_data() -> None:
    """Let an alarm without data be OK if it says so (``notBreaching``). ministack leaves it without a state."""
    members = vars(cloudwatch)
    evaluate = members["_evaluate_alarm"]

    def evaluate_missing(alarm: dict[str, Any]) -> None:
        evaluate(alarm)
        if alarm["StateValue"] == "INSUFFICIENT_DATA" and alarm.get("TreatMissingData") == "notBreaching":
            alarm["StateValue"] = "OK"

    members["_evaluate_alarm"] = evaluate_missing


def simulate_with_context() -> None:
    """Use the context entries of SimulatePrincipalPolicy. ministack ignores them."""
    members = vars(iam)

    def simulate(parameters: dict[str, Any]) -> Any:
        read = members["_p"]
        role = read(parameters, "PolicySourceArn")
        account = role.split(":")[4]
        policies = vars(iam_evaluator)["_gather_role_policies"](role.rpartition("/")[2], account)
        action, resource = read(parameters, "ActionNames.member.1"), read(parameters, "ResourceArns.member.1")
        context = iam_evaluator.EvalContext(
            role, "AssumedRole", account, action, resource, resource.split(":")[3], "127.0.0.1", secure_transport=True
        )
        context.service_context.update(_read_context(read, parameters))
        is_allowed = iam_evaluator.evaluate(context, policies).decision == "Allow"
        result = (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
            f"<EvalDecision>{'allowed' if is_allowed else 'implicitDeny'}</EvalDecision></member>"
        )
        body = f"<EvaluationResults>{result}</EvaluationResults><IsTruncated>false</IsTruncated>"
        body = f"<SimulatePrincipalPolicyResult>{body}</SimulatePrincipalPolicyResult>"
        return members["_xml"](200, "SimulatePrincipalPolicyResponse", body, ns="iam")

    members["_IAM_HANDLERS"]["SimulatePrincipalPolicy"] = simulate


def _read_context(read: Any, parameters: dict[str, Any]) -> dict[str, list[str] | str]:
    context: dict[str, list[str] | str] = {}
    number = 1
    while name := read(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        prefix = f"ContextEntries.member.{number}.ContextKeyValues.member"
        values: list[str] = []
        while value := read(parameters, f"{prefix}.{len(values) + 1}"):
            values.append(value)
        is_list = read(parameters, f"ContextEntries.member.{number}.ContextKeyType") == "stringList"
        context[name.lower()] = values if is_list else values[0]
        number += 1
    return context


def require_rotation_permission() -> None:
    """Reject RotateSecret if Secrets Manager may not invoke the function. ministack does not read its policy."""
    members = vars(secretsmanager)
    rotate = members["_rotate_secret"]

    def rotate_if_allowed(data: dict[str, Any]) -> Any:
        if not _may_invoke(data["RotationLambdaARN"]):
            message = "Secrets Manager cannot invoke the specified Lambda function."
            return members["error_response_json"]("AccessDeniedException", message, 400)
        return rotate(data)

    members["_rotate_secret"] = rotate_if_allowed


def _may_invoke(arn: str) -> bool:
    """Return whether the policy of the function lets Secrets Manager invoke it."""
    policy, _ = vars(lambda_svc)["function_policy_for_arn"](arn.rpartition(":")[0])
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": _ROTATOR}
        and statement["Resource"] == arn
        for statement in policy["Statement"]
    )


def _parse(message: str) -> dict[str, Any] | None:
    """Return the object of a JSON line, ``None`` for other lines."""
    try:
        line = json.loads(message)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
