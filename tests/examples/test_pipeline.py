"""The example of a pipeline: its workflow, and the rights of its deployer."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from local.template import Intrinsic
from tests.template_reader import Deployment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/pipeline"
WORKFLOW = yaml.safe_load((EXAMPLE / "deploy.yml").read_text())
POLICIES = Deployment(EXAMPLE / "template.yaml").select_by_type("AWS::IAM::ManagedPolicy")
STATEMENTS = [statement for policy in POLICIES.values() for statement in policy["PolicyDocument"]["Statement"]]
ALLOWED = {action for statement in STATEMENTS for action in statement["Action"]}

MAX_POLICY_SIZE = 6_144
"""The characters of a managed policy without whitespace (IAM user guide, "IAM and AWS STS quotas")."""

# The service whose actions each type of resource needs.
SERVICES = {
    "AWS::ApiGatewayV2::ApiMapping": "apigateway",
    "AWS::ApiGatewayV2::DomainName": "apigateway",
    "AWS::CloudWatch::Alarm": "cloudwatch",
    "AWS::CloudWatch::Dashboard": "cloudwatch",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::Events::EventBus": "events",
    "AWS::IAM::ManagedPolicy": "iam",
    "AWS::IAM::Role": "iam",
    "AWS::Lambda::Permission": "lambda",
    "AWS::Logs::LogGroup": "logs",
    "AWS::Logs::MetricFilter": "logs",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::SecretsManager::Secret": "secretsmanager",
    "AWS::Serverless::Function": "lambda",
    "AWS::Serverless::HttpApi": "apigateway",
}

# The modules of `make deploy` that call AWS, and the services of their clients.
MODULES = {
    "versions.py": {"cloudformation", "lambda"},
    "table_protection.py": {"cloudformation", "dynamodb"},
}


def list_steps(job: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = WORKFLOW["jobs"][job]["steps"]
    return steps


def list_commands(job: str) -> list[str]:
    return [step["run"] for step in list_steps(job) if "run" in step]


def test_jobs_run_in_order() -> None:
    needs = {name: job.get("needs", []) for name, job in WORKFLOW["jobs"].items()}
    assert needs == {"check": [], "build": [], "dev": ["check", "build"], "prod": "dev"}


def test_packages_are_built_once() -> None:
    building = [job for job in WORKFLOW["jobs"] for command in list_commands(job) if command == "make build"]
    assert building == ["build"]
    for job in ("dev", "prod"):
        assert any(command.startswith(f"make deploy-built CONFIG_ENV={job}") for command in list_commands(job))


def test_smoke_test_follows_deployment() -> None:
    for job in ("dev", "prod"):
        options = tomllib.loads((ROOT / "samconfig.toml").read_text())[job]["global"]["parameters"]
        assert list_commands(job)[-1] == f"make smoke STACK={options['stack_name']}"


def test_customers_get_a_canary_after_an_approval() -> None:
    assert WORKFLOW["jobs"]["prod"]["environment"] == "prod"
    options = tomllib.loads((ROOT / "samconfig.toml").read_text())["prod"]["global"]["parameters"]
    assert "DeploymentStrategy=Canary" in options["parameter_overrides"]


def test_only_deploying_jobs_get_credentials() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for name, job in WORKFLOW["jobs"].items():
        assert ("permissions" in job) == (name in ("dev", "prod"))
        uses = {step.get("uses", "").partition("@")[0] for step in job["steps"]}
        assert ("aws-actions/configure-aws-credentials" in uses) == (name in ("dev", "prod"))


def test_actions_are_pinned() -> None:
    """A tag can be moved to other code, a commit cannot."""
    for job in WORKFLOW["jobs"]:
        for step in list_steps(job):
            assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {target for job in WORKFLOW["jobs"] for command in list_commands(job) for target in _find_targets(command)}
    assert used == {"build", "check", "deploy-built", "invoke", "smoke", "test"}
    assert used <= targets


def _find_targets(command: str) -> list[str]:
    return re.findall(r"make ([a-z-]+)", command)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_are_not_too_long(name: str) -> None:
    """The stack's name has 20 characters here, and the region is the longest."""
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": "ap-southeast-1",
        "AWS::AccountId": "123456789012",
        "DeployedStack": "muster-prod-eu-west1",
    }

    def render(value: Any) -> Any:
        if isinstance(value, Intrinsic):
            return re.sub(r"\$\{([^}]+)\}", lambda name: known[name[1]], value.argument)
        if isinstance(value, dict):
            return {key: render(part) for key, part in value.items()}
        return [render(part) for part in value] if isinstance(value, list) else value

    document = json.dumps(render(POLICIES[name]["PolicyDocument"]), separators=(",", ":"))
    assert len(document) <= MAX_POLICY_SIZE


def test_deployer_may_create_each_type_of_resource() -> None:
    template = Deployment(ROOT / "template.yaml")
    services = {action.partition(":")[0] for action in ALLOWED}
    assert {resource["Type"] for resource in template["Resources"].values()} == SERVICES.keys()
    assert set(SERVICES.values()) | {"cloudformation", "codedeploy", "s3"} == services


@pytest.mark.parametrize("module", MODULES)
def test_deployer_may_call_what_make_deploy_calls(module: str) -> None:
    called = set(_list_calls(module))
    assert called
    assert called <= ALLOWED


def _list_calls(module: str) -> Iterator[str]:
    """Yield the actions of IAM for the operations and paginators that a module uses."""
    session = botocore.session.get_session()
    actions = {
        xform_name(operation): f"{service}:{operation}"
        for service in MODULES[module]
        for operation in session.get_service_model(service).operation_names
    }
    for node in ast.walk(ast.parse((ROOT / "deployment" / module).read_text())):
        name = node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else None
        if isinstance(name, str) and name in actions:
            yield actions[name]


def test_only_roles_of_the_stack_can_be_passed() -> None:
    (statement,) = [statement for statement in STATEMENTS if "iam:PassRole" in statement["Action"]]
    assert statement["Resource"].argument.endswith("role/${DeployedStack}-*")
    passed_to = statement["Condition"]["StringEquals"]["iam:PassedToService"]
    template = Deployment(ROOT / "template.yaml")
    roles = template.select_by_type("AWS::IAM::Role").values()
    assert set(passed_to) == {role["AssumeRolePolicyDocument"]["Statement"]["Principal"]["Service"] for role in roles}
