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


def test_table_is_protected_encrypted_and_streamed() -> None:
    (table,) = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table").values()
    assert DEPLOYMENT["Resources"]["Table"]["DeletionPolicy"] == "Retain"
    assert DEPLOYMENT["Resources"]["Table"]["UpdateReplacePolicy"] == "Retain"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


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
