"""The template with the values of its parameters."""

import json
import re

import pytest

from local.template import Intrinsic
from scim.auth.console_sign_in.openid_settings import OpenIdSettings
from tests.template.deployment import DEPLOYMENT, FUNCTIONS, HTTP_FUNCTIONS, ROOT, ROTATION, with_all_functions
from tests.template_reader import Deployment, resolve

DOMAIN = {
    "DomainName": "scim.example.com",
    "CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
}

OIDC = {
    "OidcIssuer": "https://idp.example.com",
    "OidcClientId": "muster",
    "OidcClientSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:oidc/client-AbCdEf",
    "OidcGroups": "operators",
    "OidcGroupsClaim": "groups",
    "OidcDomains": "",
}

KEY = {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"}
KEY_PROPERTIES = {
    "AWS::DynamoDB::Table": "KMSMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
}


def matches(parameter: str, value: str) -> bool:
    return re.fullmatch(DEPLOYMENT["Parameters"][parameter]["AllowedPattern"], value) is not None


def find_snapshots(deployment: Deployment) -> set[str]:
    """Return the functions that start from a snapshot."""
    functions = deployment.select_by_type("AWS::Serverless::Function")
    applied = {name: deployment.get_function(name)["SnapStart"]["ApplyOn"] for name in functions}
    assert set(applied.values()) <= {"PublishedVersions", "None"}
    return {name for name, value in applied.items() if value == "PublishedVersions"}


def test_snapstart_applies_to_http_functions() -> None:
    """No client waits for the other functions to start."""
    assert find_snapshots(DEPLOYMENT.apply_parameters()) == set(HTTP_FUNCTIONS)
    assert find_snapshots(DEPLOYMENT.apply_parameters(SnapStart="off")) == set()


@with_all_functions
def test_no_concurrency_is_reserved_by_default(function: str) -> None:
    assert "ReservedConcurrentExecutions" not in DEPLOYMENT.apply_parameters().get_function(function)


@pytest.mark.parametrize(
    ("parameter", "function"), [("ConsoleConcurrency", "AdminFunction"), ("ChangesConcurrency", "ChangesFunction")]
)
def test_reserved_concurrency(parameter: str, function: str) -> None:
    deployment = DEPLOYMENT.apply_parameters(**{parameter: "5"})
    reserved = {
        name: properties["ReservedConcurrentExecutions"]
        for name, properties in deployment.select_by_type("AWS::Serverless::Function").items()
        if "ReservedConcurrentExecutions" in properties
    }
    assert reserved == {function: Intrinsic("Ref", parameter)}


def test_without_domain_api_has_its_own() -> None:
    deployment = DEPLOYMENT.apply_parameters()
    (api,) = deployment.select_by_type("AWS::Serverless::HttpApi").values()
    assert api["DisableExecuteApiEndpoint"] is False
    assert not deployment.select_by_type("AWS::ApiGatewayV2::DomainName")
    assert not deployment.select_by_type("AWS::ApiGatewayV2::ApiMapping")
    assert not {"DomainTarget", "DomainTargetZone"} & set(deployment["Outputs"])


def test_domain_replaces_that_of_api() -> None:
    deployment = DEPLOYMENT.apply_parameters(**DOMAIN)
    (api,) = deployment.select_by_type("AWS::Serverless::HttpApi").values()
    assert api["DisableExecuteApiEndpoint"] is True
    (domain,) = deployment.select_by_type("AWS::ApiGatewayV2::DomainName").values()
    assert resolve(domain["DomainName"], DOMAIN, {}) == "scim.example.com"
    (configuration,) = domain["DomainNameConfigurations"]
    assert resolve(configuration["CertificateArn"], DOMAIN, {}) == DOMAIN["CertificateArn"]
    (mapping,) = deployment.select_by_type("AWS::ApiGatewayV2::ApiMapping").values()
    assert "ApiMappingKey" not in mapping  # the whole domain leads to the API
    assert mapping == {
        "ApiId": Intrinsic("Ref", "HttpApi"),
        "DomainName": Intrinsic("Ref", "Domain"),
        "Stage": Intrinsic("Ref", "HttpApi.Stage"),
    }
    assert {"DomainTarget", "DomainTargetZone"} <= set(deployment["Outputs"])


@pytest.mark.parametrize("name", DOMAIN)
def test_domain_needs_certificate(name: str) -> None:
    assert DEPLOYMENT.find_failed_assertions() == []
    assert DEPLOYMENT.find_failed_assertions(**DOMAIN) == []
    (failed,) = DEPLOYMENT.find_failed_assertions(**{name: DOMAIN[name]})
    assert "requires" in failed


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ("scim.example.com", True),
        ("", True),
        ("https://scim.example.com", False),
        ("scim.example.com/scim/v2", False),
        ("localhost", False),
        ("Scim.example.com", False),
    ],
)
def test_domain_name_is_host_name(value: str, *, is_valid: bool) -> None:
    assert matches("DomainName", value) is is_valid


def test_only_console_reads_client_secret() -> None:
    deployment = DEPLOYMENT.apply_parameters(**OIDC)
    secret = Intrinsic("Ref", "OidcClientSecretArn")
    for function in (*FUNCTIONS, ROTATION):
        resources = [statement["Resource"] for statement in deployment.list_statements(function)]
        assert (secret in resources) is (function == "AdminFunction")
        assert secret not in [statement["Resource"] for statement in DEPLOYMENT.list_statements(function)]


def test_openid_settings_are_those_of_parameters() -> None:
    text = resolve(DEPLOYMENT.select_by_type("AWS::SecretsManager::Secret")["OpenIdClient"]["SecretString"], OIDC, {})
    settings = OpenIdSettings.model_validate_json(text)
    assert (settings.issuer, settings.client_id, settings.groups) == (
        "https://idp.example.com",
        "muster",
        ("operators",),
    )
    assert settings.client_secret_arn == OIDC["OidcClientSecretArn"]


@pytest.mark.parametrize("name", ["OidcClientId", "OidcClientSecretArn", "OidcGroups"])
def test_openid_provider_needs_client_and_operators(name: str) -> None:
    assert DEPLOYMENT.find_failed_assertions(**OIDC) == []
    (failed,) = DEPLOYMENT.find_failed_assertions(**OIDC | {name: ""})
    assert failed.startswith(f"OidcIssuer requires {name}")


def test_no_parameter_is_secret() -> None:
    """The value of a secret parameter would be on a command line, or in samconfig.toml."""
    assert not [name for name, parameter in DEPLOYMENT["Parameters"].items() if parameter.get("NoEcho")]


def test_client_secret_is_arn() -> None:
    assert matches("OidcClientSecretArn", OIDC["OidcClientSecretArn"])
    assert not matches("OidcClientSecretArn", "the-client-secret")


def find_keys(deployment: Deployment) -> dict[str, object]:
    """Return the key of each resource that can have one, by the name of the resource."""
    keys = {}
    for kind, name in KEY_PROPERTIES.items():
        for resource, properties in deployment.select_by_type(kind).items():
            keys[resource] = properties.get("SSESpecification", properties).get(name)
    return keys


def test_key_encrypts_stored_data() -> None:
    mail = {"AlarmEmail": "oncall@example.com"}
    without = find_keys(DEPLOYMENT.apply_parameters(**mail))
    assert len(without) == 11
    assert set(without.values()) == {None}
    keys = find_keys(DEPLOYMENT.apply_parameters(**mail, **KEY))
    assert keys == dict.fromkeys(without, Intrinsic("Ref", "KmsKeyArn"))


def test_queue_has_one_kind_of_encryption() -> None:
    """SQS rejects a queue with both, so the key also turns the other kind off: the queue may exist already."""
    for queue in DEPLOYMENT.apply_parameters(**KEY).select_by_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is False
    for queue in DEPLOYMENT.apply_parameters().select_by_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue


@with_all_functions
def test_function_uses_key_through_services_only(function: str) -> None:
    deployment = DEPLOYMENT.apply_parameters(**KEY)
    (statement,) = [item for item in deployment.list_statements(function) if "kms:Decrypt" in item["Action"]]
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= set(statement["Action"])
    assert not {"kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} & set(statement["Action"])
    assert statement["Resource"] == Intrinsic("Ref", "KmsKeyArn")
    services = {value.argument.split(".")[0] for value in statement["Condition"]["StringEquals"]["kms:ViaService"]}
    assert services == {"dynamodb", "secretsmanager", "sns", "sqs"}


@with_all_functions
def test_function_has_no_key_by_default(function: str) -> None:
    actions = [action for statement in DEPLOYMENT.list_statements(function) for action in statement["Action"]]
    assert not [action for action in actions if action.startswith("kms:")]


def test_key_is_no_alias() -> None:
    assert matches("KmsKeyArn", KEY["KmsKeyArn"])
    assert not matches("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/muster")


def test_documented_key_policy_allows_cloudwatch() -> None:
    """The log groups and the topic are used by AWS services, not by roles of the stack."""
    page = (ROOT / "docs/operate/deploy.md").read_text("utf-8")
    (text,) = re.findall(r"```json\n(.*?)```", page.partition("## Encryption")[2], re.DOTALL)
    principals = {service for item in json.loads(text)["Statement"] for service in item["Principal"].values()}
    assert {"logs.eu-central-1.amazonaws.com", "cloudwatch.amazonaws.com"} <= principals
    for name, group in DEPLOYMENT.select_by_type("AWS::Logs::LogGroup").items():
        generated = f"${{AWS::StackName}}-{name}-*"  # the name that CloudFormation generates
        log_group = group["LogGroupName"].argument if "LogGroupName" in group else generated
        assert f":log-group:{log_group.replace('${AWS::StackName}', 'muster')}" in text
