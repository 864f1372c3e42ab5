"""The table, the logs, and the parameters and outputs of the stack."""

import json
import re

import pytest

from local.template import Intrinsic
from scim.service.console.invitations import build_console_url
from tests.template.deployment import DEPLOYMENT, FUNCTIONS
from tests.template_reader import find_references, resolve
from tests.test_docs import read_table

DEPLOY_PAGE = "docs/operate/deploy.md"


def test_table_is_encrypted_streamed_and_backed_up() -> None:
    (table,) = DEPLOYMENT.apply_parameters().select_by_type("AWS::DynamoDB::Table").values()
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize("name", ["Table", "MasterKey"])
def test_data_outlives_the_stack_but_no_failed_creation(name: str) -> None:
    resource = DEPLOYMENT["Resources"][name]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_failed_creation_can_delete_the_table() -> None:
    """DynamoDB would refuse to delete it, and the stack would end as ROLLBACK_FAILED."""
    (table,) = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table").values()
    assert "DeletionProtectionEnabled" not in table


def test_resources_that_stay_have_generated_names() -> None:
    """With a fixed name, the next stack could not create its own."""
    names = {"AWS::DynamoDB::Table": "TableName", "AWS::SecretsManager::Secret": "Name"}
    names |= {"AWS::Logs::LogGroup": "LogGroupName", "AWS::SQS::Queue": "QueueName"}
    kept = {
        name: resource
        for name, resource in DEPLOYMENT["Resources"].items()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert set(kept) == {"Table", "MasterKey", "FunctionLogs"}
    for resource in kept.values():
        assert names[resource["Type"]] not in resource["Properties"]


def test_logs_survive_a_failed_creation() -> None:
    """They show why a function did not start."""
    assert DEPLOYMENT["Resources"]["FunctionLogs"]["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("pair", [("TableName", "StreamArn"), ("MasterKeySecret", "SecretPrefix")])
def test_parameters_of_existing_data_require_each_other(pair: tuple[str, str]) -> None:
    def is_set(name: str) -> Intrinsic:
        return Intrinsic("Not", [Intrinsic("Equals", [Intrinsic("Ref", name), ""])])

    rules = [
        (rule["RuleCondition"], assertion["Assert"])
        for rule in DEPLOYMENT["Rules"].values()
        for assertion in rule["Assertions"]
    ]
    first, second = map(is_set, pair)
    assert (first, second) in rules
    assert (second, first) in rules


def test_table_is_on_demand_without_local_indexes() -> None:
    """With a local secondary index, DynamoDB could not split the partition of a large tenant by sort key."""
    (table,) = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert "LocalSecondaryIndexes" not in table


def test_log_groups_have_retention() -> None:
    groups = DEPLOYMENT.select_by_type("AWS::Logs::LogGroup")
    (api,) = DEPLOYMENT.select_by_type("AWS::Serverless::HttpApi").values()
    assert api["AccessLogSettings"]["DestinationArn"] == Intrinsic("GetAtt", "AccessLogs.Arn")
    assert all(DEPLOYMENT.get_function(name)["LoggingConfig"]["LogGroup"].argument in groups for name in FUNCTIONS)
    assert all(group["RetentionInDays"] == Intrinsic("Ref", "LogRetentionDays") for group in groups.values())


def test_access_log_is_json_without_client_data() -> None:
    (api,) = DEPLOYMENT.select_by_type("AWS::Serverless::HttpApi").values()
    line = json.loads(api["AccessLogSettings"]["Format"])
    assert all(value.startswith("$context.") for value in line.values())
    assert not any(word in value.lower() for value in line.values() for word in ("path", "query", "useragent"))


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_all_parameters_and_outputs_are_described(section: str) -> None:
    assert all(len(item["Description"]) > 20 for item in DEPLOYMENT[section].values())


def test_parameters_are_documented_with_defaults() -> None:
    documented = {name.strip("`"): default.strip("`") for name, default, _ in read_table(DEPLOY_PAGE, "## Parameters")}
    assert documented == {name: str(parameter["Default"]) for name, parameter in DEPLOYMENT["Parameters"].items()}


def test_outputs_are_documented() -> None:
    documented = {name for names, _ in read_table(DEPLOY_PAGE, "## Outputs") for name in re.findall(r"`(\w+)`", names)}
    assert documented == set(DEPLOYMENT["Outputs"])


@pytest.mark.parametrize(
    ("parameters", "console"),
    [
        ({}, "https://api.execute-api.eu-west-1.amazonaws.com/admin"),
        ({"PublicUrl": "https://scim.example.com/scim/v2"}, "https://scim.example.com/admin"),
        ({"PublicUrl": "https://scim.example.com:8443"}, "https://scim.example.com:8443/admin"),
        ({"DomainName": "scim.example.com", "CertificateArn": "arn"}, "https://scim.example.com/admin"),
        (
            {"DomainName": "origin.example.com", "CertificateArn": "arn", "PublicUrl": "https://www.example.com/scim"},
            "https://www.example.com/admin",
        ),
    ],
)
def test_console_url_is_next_to_scim_url(parameters: dict[str, str], console: str) -> None:
    known = {"HttpApi": "api", "AWS::Region": "eu-west-1", "AWS::URLSuffix": "amazonaws.com", **parameters}
    conditions = DEPLOYMENT.evaluate_conditions(**parameters)
    scim_url, console_url = (
        resolve(DEPLOYMENT["Outputs"][name]["Value"], known, conditions) for name in ("ScimUrl", "ConsoleUrl")
    )
    assert console_url == console == build_console_url(str(scim_url))


def test_all_parameters_are_used() -> None:
    used = {name for section in ("Conditions", "Globals", "Resources") for name in find_references(DEPLOYMENT[section])}
    assert set(DEPLOYMENT["Parameters"]) <= used
