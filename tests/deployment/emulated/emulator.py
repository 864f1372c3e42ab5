"""Run ministack, an emulator of AWS: ``python emulator.py SITE_PACKAGES LAMBDA_PYTHON [WORKAROUND...]``.

Each workaround closes one gap of ministack. ``test_workarounds.py`` shows that ministack alone still has each of them.
The script runs in the environment of the SAM CLI, whose transform ministack uses. ``SITE_PACKAGES`` has ministack: as
``PYTHONPATH``, it would also be on the path of the functions. ``LAMBDA_PYTHON`` runs the functions.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

SITE_PACKAGES, LAMBDA_PYTHON, *SELECTED = sys.argv[1:]
sys.argv[1:] = []  # ministack has its own arguments
sys.path.append(SITE_PACKAGES)

# ruff: noqa: E402 - ministack is found on the path that is set above
import boto3
from ministack.app import main  # type: ignore[import-not-found]  # not in the environment that checks types
from ministack.core import iam_actions, lambda_runtime  # type: ignore[import-not-found]
from ministack.services import apigateway, lambda_svc, secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]
from signals import (  # type: ignore[import-not-found]  # noqa: F401  # selected by name
    match_json_patterns,
    publish_filtered_metrics,
    publish_iterator_age,
    require_rotation_permission,
    simulate_with_context,
    treat_missing_data,
    write_access_log,
)

Invoke = Callable[[Any, Any], Any]
_HANDLERS: dict[str, dict[str, Any]] = vars(provisioners)["_RESOURCE_HANDLERS"]


def set_secret_version() -> None:
    """Give a new secret the version ``ClientRequestToken``, as AWS does. ministack ignores the token."""
    members = vars(secretsmanager)
    create_secret = members["_create_secret"]

    def create(data: dict[str, Any]) -> Any:
        secrets = members["_secrets"]
        is_new = data.get("Name") not in secrets
        response = create_secret(data)
        if is_new and "ClientRequestToken" in data:
            versions = secrets[data["Name"]]["Versions"]
            _, version = versions.popitem()
            versions[data["ClientRequestToken"]] = version
        return response

    members["_create_secret"] = create


def reference_secrets_by_arn() -> None:
    """Let ``Ref`` of a secret in a template return its ARN, as AWS does. ministack returns its name.

    The services of ministack accept both. Only updates and deletions look for the name.
    """
    handlers = _HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def find_name(physical_id: str) -> str:
        secrets = vars(secretsmanager)["_secrets"]
        return next((name for name, secret in secrets.items() if secret["ARN"] == physical_id), physical_id)

    def create_with_arn(*arguments: Any) -> tuple[str, dict[str, str]]:
        _, attributes = create(*arguments)
        return attributes["Arn"], attributes

    def update_with_arn(physical_id: str, *arguments: Any, **options: Any) -> tuple[str, dict[str, str]]:
        _, attributes = update(find_name(physical_id), *arguments, **options)
        return attributes["Arn"], attributes

    handlers["create"] = create_with_arn
    handlers["update"] = update_with_arn
    handlers["delete"] = lambda physical_id, properties: delete(find_name(physical_id), properties)


def create_routes_of_body() -> None:
    """Create the routes and integrations of an HTTP API's ``Body``, which SAM generates. ministack ignores it."""
    handlers = _HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handlers["create"], handlers["update"]

    def create_with_routes(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        result = create(logical_id, properties, stack)
        _create_routes(result[0], properties.get("Body", {}))
        return result

    def update_with_routes(physical_id: str, old: Any, new: dict[str, Any], stack: str, logical_id: str) -> Any:
        result = update(physical_id, old, new, stack, logical_id=logical_id)
        for store in ("_routes", "_integrations"):
            vars(apigateway)[store][result[0]].clear()
        _create_routes(result[0], new.get("Body", {}))
        return result

    handlers["create"] = create_with_routes
    handlers["update"] = update_with_routes


def _create_routes(api: str, body: dict[str, Any]) -> None:
    members = vars(apigateway)
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            source = operation["x-amazon-apigateway-integration"]
            integration = {"integrationUri": source["uri"], "payloadFormatVersion": source["payloadFormatVersion"]}
            _, _, created = members["_create_integration"](api, integration)
            name = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            route = {
                "routeKey": "$default" if operation.get("isDefaultRoute") else f"{name} {path}",
                "target": f"integrations/{json.loads(created)['integrationId']}",
            }
            members["_create_route"](api, route)


def create_metric_math_alarms() -> None:
    """Create an alarm on several metrics as one on the first of them. ministack rejects it.

    So the template can be deployed, and the alarm exists. Its expression is not evaluated.
    """
    members = vars(provisioners)
    build_record = members["_cw_metric_alarm_record"]

    def build(name: str, properties: dict[str, Any]) -> Any:
        metrics = properties.get("Metrics")
        if not metrics:
            return build_record(name, properties)
        first = next(metric["MetricStat"] for metric in metrics if "MetricStat" in metric)
        simple = {**first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]}
        return build_record(name, {key: value for key, value in properties.items() if key != "Metrics"} | simple)

    members["_cw_metric_alarm_record"] = build


def create_codedeploy_resources() -> None:
    """Create the application and the deployment groups of CodeDeploy, of which ministack knows nothing.

    An update still moves the aliases at once. Nothing invokes the pre-traffic hook.
    """

    def create(logical_id: str, _: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        return f"{stack}-{logical_id}", {}

    for kind in ("Application", "DeploymentGroup"):
        _HANDLERS[f"AWS::CodeDeploy::{kind}"] = {"create": create, "delete": lambda *_: None}


def run_functions_in_lambda_python() -> None:
    """Run the functions with the Python version of their runtime. ministack runs them with its own interpreter."""
    members = vars(lambda_runtime)
    detect = members["_detect_runtime_binary"]

    def detect_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (LAMBDA_PYTHON if runtime.startswith("python") else binary), script

    members["_detect_runtime_binary"] = detect_binary


def rotate_secrets_by_function() -> None:
    """Let RotateSecret invoke the rotation function four times, as Secrets Manager does.

    ministack copies the current value to a new version and does not invoke the function. (AWS Secrets Manager user
    guide, "Rotation by Lambda function".) A step that fails ends the rotation, and its error is logged.
    """
    members = vars(secretsmanager)

    def rotate(data: dict[str, Any]) -> Any:
        _, secret = members["_resolve"](data["SecretId"])
        secret["RotationLambdaARN"] = data.get("RotationLambdaARN") or secret["RotationLambdaARN"]
        secret["RotationEnabled"] = True
        version = data["ClientRequestToken"]  # the SDKs send one
        threading.Thread(target=_run_rotation, args=(secret["RotationLambdaARN"], secret["ARN"], version)).start()
        return members["json_response"]({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})

    members["_rotate_secret"] = rotate


def _run_rotation(function: str, secret: str, version: str) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        region_name=function.split(":")[3],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
        response = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        if "FunctionError" in response:
            raise RuntimeError(f"{step}: {response['Payload'].read()!r}")


def allow_batches_of_messages() -> None:
    """Let ``sqs:SendMessage`` allow SendMessageBatch, as on AWS. ministack requires ``sqs:SendMessageBatch``."""
    members = vars(iam_actions)
    extract = members["extract_iam_action"]

    def extract_action(*arguments: Any, **options: Any) -> Any:
        action = extract(*arguments, **options)
        return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action

    members["extract_iam_action"] = extract_action


def pass_cookies_as_list() -> None:
    """Put the cookies of a request to an HTTP API into ``cookies``, as AWS does. ministack leaves the header."""

    def convert(event: Any) -> Any:
        if isinstance(event, dict) and "cookie" in event.get("headers", {}) and event.get("version") == "2.0":
            headers = {name: value for name, value in event["headers"].items() if name != "cookie"}
            return event | {"headers": headers, "cookies": event["headers"]["cookie"].split("; ")}
        return event

    _wrap_invocations(lambda invoke, function, event: invoke(function, convert(event)))


def retry_failed_stream_records() -> None:
    """Retry a batch of a stream if the function reports failed records. ministack does that only for queues.

    The whole batch is retried; AWS retries from the first failed record.
    """

    def invoke_batch(invoke: Invoke, function: Any, event: Any) -> Any:
        result = invoke(function, event)
        records = event.get("Records", []) if isinstance(event, dict) else []
        if records and records[0].get("eventSource") == "aws:dynamodb" and not result.get("error"):
            body = result.get("body") or {}
            response = json.loads(body) if isinstance(body, str | bytes) else body
            if response.get("batchItemFailures"):
                return result | {"error": True, "body": {"errorType": "BatchItemFailures"}}
        return result

    _wrap_invocations(invoke_batch)


def _wrap_invocations(wrapper: Callable[[Invoke, Any, Any], Any]) -> None:
    members = vars(lambda_svc)
    execute = members["_execute_function"]
    members["_execute_function"] = lambda function, event: wrapper(execute, function, event)


if __name__ == "__main__":
    for name in SELECTED:
        globals()[name]()
    sys.exit(main())
