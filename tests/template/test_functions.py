"""Functions, routes and variables in the template are those of the code."""

import ast
import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.shared import constants

from deployment import packages
from handlers.console.settings import ConsoleSettings
from local.api_gateway.routes import Routes
from local.template import Intrinsic
from scim.settings import Settings
from tests.template.deployment import (
    DEPLOYMENT,
    FUNCTIONS,
    HOOK,
    ROOT,
    ROTATION,
    SOURCE,
    with_all_functions,
    with_functions,
    with_http_functions,
)
from tests.template_reader import find_references

# The lengths of the names that CloudFormation generates for the stack muster in eu-central-1, and of a time.
EXISTING_DATA = {
    "RestoredAt": 10,
    "TableName": len("muster-Table-ABCDEFGHIJKLM"),
    "SecretPrefix": len("muster/muster/tenants/"),
    "MasterKeySecret": len("arn:aws:secretsmanager:eu-central-1:123456789012:secret:MasterKey-ABCDEFGHIJKL-ABCDEF"),
}


@with_functions
def test_function_has_handler(function: str) -> None:
    spec = FUNCTIONS[function]
    module, _, name = spec.handler.rpartition(".")
    tree = ast.parse(spec.code.joinpath(*module.split(".")).with_suffix(".py").read_text())
    assert spec.code == SOURCE
    assert name in {target.id for target in ast.walk(tree) if isinstance(target, ast.Name)}


def test_functions_except_rotation_and_hook_have_event_source() -> None:
    assert {*FUNCTIONS, ROTATION, HOOK} == set(DEPLOYMENT.select_by_type("AWS::Serverless::Function"))


def test_only_secrets_manager_may_invoke_rotation() -> None:
    (permission,) = DEPLOYMENT.select_by_type("AWS::Lambda::Permission").values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": Intrinsic("Ref", "RotationFunction.Alias"),
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": Intrinsic("Ref", "AWS::AccountId"),
    }


def test_secrets_have_no_rotation_schedule() -> None:
    assert DEPLOYMENT.select_by_type("AWS::SecretsManager::RotationSchedule") == {}


def test_route_has_one_function() -> None:
    routes = [(route.key, route.function) for spec in FUNCTIONS.values() for route in spec.routes]
    assert sorted(routes) == [
        ("$default", "UsersFunction"),
        ("ANY /admin", "AdminFunction"),
        ("ANY /admin/{proxy+}", "AdminFunction"),
        ("ANY /scim/v2", "UsersFunction"),
        ("ANY /scim/v2/.search", "UsersFunction"),
        ("ANY /scim/v2/Bulk", "BulkFunction"),
        ("ANY /scim/v2/Groups", "UsersFunction"),
        ("ANY /scim/v2/Groups/{id}", "UsersFunction"),
        ("ANY /scim/v2/Me", "UsersFunction"),
        ("ANY /scim/v2/ResourceTypes", "DiscoveryFunction"),
        ("ANY /scim/v2/ResourceTypes/{id}", "DiscoveryFunction"),
        ("ANY /scim/v2/Schemas", "DiscoveryFunction"),
        ("ANY /scim/v2/Schemas/{id}", "DiscoveryFunction"),
        ("ANY /scim/v2/ServiceProviderConfig", "DiscoveryFunction"),
        ("ANY /scim/v2/Users", "UsersFunction"),
        ("ANY /scim/v2/Users/.search", "UsersFunction"),
        ("ANY /scim/v2/Users/{id}", "UsersFunction"),
    ]


def test_no_route_ends_with_slash() -> None:
    """API Gateway creates no such route, and SAM reports no error.

    See github.com/aws/serverless-application-model/issues/1949.
    """
    assert not [route.key for spec in FUNCTIONS.values() for route in spec.routes if route.key.endswith("/")]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/scim/v2/Users", "ANY /scim/v2/Users"),
        ("/scim/v2/Users/2819c223", "ANY /scim/v2/Users/{id}"),
        ("/scim/v2/Users/.search", "ANY /scim/v2/Users/.search"),
        ("/scim/v2/.search", "ANY /scim/v2/.search"),
        ("/admin/", "ANY /admin/{proxy+}"),
        ("/Users", "$default"),
        ("/scim/Users/2819c223", "$default"),
        ("//scim/v2/Users", "$default"),
        ("/scim/v2/users", "$default"),
    ],
)
def test_route_of_path(path: str, key: str) -> None:
    """Metrics, throttles and log lines of API Gateway name the route. Other spellings of the URL share one."""
    match = Routes(route for spec in FUNCTIONS.values() for route in spec.routes).select("GET", path)
    assert match is not None
    assert match.route.key == key


@with_http_functions
def test_functions_time_out_before_gateway(function: str) -> None:
    assert FUNCTIONS[function].timeout < 30


@with_all_functions
def test_functions_are_published(function: str) -> None:
    properties = DEPLOYMENT.get_function(function)
    assert properties["AutoPublishAlias"] == "live"
    assert properties["AutoPublishAliasAllProperties"] is True


@with_all_functions
def test_changed_parameter_publishes_new_versions(function: str) -> None:
    properties = DEPLOYMENT.get_function(function)
    properties.pop("ReservedConcurrentExecutions", None)  # it belongs to the function, not to a version
    described = find_references(properties.pop("VersionDescription"))
    properties.pop("Events", None)  # an event source is no part of a version
    properties.pop("DeploymentPreference", None)  # it belongs to the alias
    assert described == DEPLOYMENT.find_parameters(properties)


@with_all_functions
def test_version_description_is_not_too_long(function: str) -> None:
    text = DEPLOYMENT.get_function(function)["VersionDescription"].argument
    parameters = {name: DEPLOYMENT["Parameters"][name] for name in find_references(Intrinsic("Sub", text))}
    constant = re.sub(r"\$\{[^}]+\}", "", text)
    lengths = {name: _compute_max_length(parameter) for name, parameter in parameters.items()}
    new_data = lengths | dict.fromkeys(EXISTING_DATA, 0)
    assert len(constant) + sum(new_data.values()) <= 256
    existing_data = lengths | EXISTING_DATA | {"PublicUrl": 33, "IndexedAttributes": 29}
    assert len(constant) + sum(existing_data[name] for name in parameters) <= 256


def _compute_max_length(parameter: Mapping[str, Any]) -> int:
    if "MaxLength" in parameter:
        return int(parameter["MaxLength"])
    return max(len(str(value)) for value in parameter.get("AllowedValues", [parameter.get("MaxValue", "")]))


def test_package_is_compiled_by_python_of_functions() -> None:
    """``sam build`` creates no compiled files, and functions cannot write them."""
    (python,) = {DEPLOYMENT.get_function(function)["Runtime"] for function in FUNCTIONS}
    assert python == packages.PYTHON
    assert f"check_python313 := @{python} --version" in (ROOT / "Makefile").read_text()


def test_variables_are_the_settings() -> None:
    settings = {name.upper() for name in ConsoleSettings.MEMBERS}
    powertools = {value for value in vars(constants).values() if isinstance(value, str)}
    variables = {name for spec in FUNCTIONS.values() for name in spec.variables}
    assert {name for name in variables if not name.startswith(("AWS_ENDPOINT_URL_", "POWERTOOLS_"))} == settings
    assert {name for name in variables if name.startswith("POWERTOOLS_")} <= powertools


@with_functions
def test_functions_have_valid_settings(function: str) -> None:
    kind = ConsoleSettings if function == "AdminFunction" else Settings
    kind.from_environment(FUNCTIONS[function].variables)


def test_template_and_settings_have_same_defaults() -> None:
    """A variable can therefore be omitted from a function that does not read the setting."""
    settings = Settings.from_environment(FUNCTIONS["UsersFunction"].variables)
    required = {
        "TABLE_NAME": settings.table_name,
        "SECRET_PREFIX": settings.secret_prefix,
        "MASTER_KEY_SECRET": settings.master_key_secret,
    }
    assert settings == Settings.from_environment(required)
