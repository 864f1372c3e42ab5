"""docs/build/openapi.yaml agrees with the code: its paths, methods, statuses, parameters and schemas.

``make openapi`` runs it against a local run.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from handlers.http.routes import resources
from handlers.http.routes.all_routes import find_endpoint
from scim.protocol import errors
from scim.protocol.schema import load_document, load_user_type
from scim.service import limits
from scim.service.resources.discovery import build_service_provider_config
from tests.endpoint import Endpoint
from tests.test_docs import list_error_classes, read_table

ROOT = Path(__file__).parent.parent
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs/build/openapi.yaml").read_text("utf-8"))
COMPONENTS = DOCUMENT["components"]
SCHEMAS = COMPONENTS["schemas"]


def list_operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the path, the method and the description of each operation."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def test_version_is_that_of_project() -> None:
    assert DOCUMENT["info"]["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_paths_have_all_methods_of_their_endpoints() -> None:
    types = (load_user_type(),)
    for path, methods in DOCUMENT["paths"].items():
        endpoint = find_endpoint([segment for segment in path.split("/") if segment], types)
        assert endpoint is not None, path
        documented = {method.upper() for method in methods if method != "parameters"}
        assert documented == set(endpoint.allowed_methods), path


def test_paths_are_those_of_template() -> None:
    routes = re.findall(r'Path: "?/scim/v2((?:[/\w.]|\{\w+\})*)', (ROOT / "template.yaml").read_text("utf-8"))
    assert {re.sub(r"\{\w+\}", "{}", route) or "/" for route in routes} == {
        re.sub(r"\{\w+\}", "{}", path) for path in DOCUMENT["paths"]
    }


def test_statuses_are_those_of_errors() -> None:
    """405 is missing: only methods that are not in the document get it."""
    table = read_table("docs/use/errors.md", "## Errors of API Gateway")
    gateway = {int(status) for status, *_ in table}
    documented = {int(status) for _, _, operation in list_operations() for status in operation["responses"]}
    expected = {error.status for error in list_error_classes()} - {405} | gateway
    assert {status for status in documented if status >= 400} == expected


def test_scim_types_are_those_of_errors() -> None:
    scim_types = {error.scim_type for error in list_error_classes() if error.scim_type}
    assert set(SCHEMAS["Error"]["properties"]["scimType"]["enum"]) == scim_types


def test_every_operation_can_be_unauthorized_or_unavailable() -> None:
    for path, method, operation in list_operations():
        assert {"401", "429", "500", "503"} <= operation["responses"].keys(), (method, path)


def test_only_service_provider_config_needs_no_token() -> None:
    assert DOCUMENT["security"] == [{"token": []}]
    assert {path for path, _, operation in list_operations() if "security" in operation} == {"/ServiceProviderConfig"}


def test_query_parameters_are_those_of_code() -> None:
    names = {
        COMPONENTS["parameters"][parameter["$ref"].rsplit("/", 1)[1]]["name"].lower()
        for parameter in DOCUMENT["paths"]["/Users"]["get"]["parameters"]
    }
    assert names == resources._QUERY_PARAMETERS  # noqa: SLF001


def build_attribute(attribute: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an attribute of a SCIM schema, without the limits that SCIM cannot describe."""
    schema: dict[str, Any] = {"description": attribute["description"]}
    if attribute["mutability"] == "readOnly":
        schema["readOnly"] = True
    match attribute["type"]:
        case "complex":
            members = {sub["name"]: build_attribute(sub) for sub in attribute["subAttributes"]}
            value = {"type": "object", "additionalProperties": False, "properties": members}
            return schema | ({"type": "array", "items": value} if attribute["multiValued"] else value)
        case "boolean":
            schema["type"] = "boolean"
        case "dateTime":
            schema |= {"type": "string", "format": "date-time"}
        case "binary":
            schema |= {"type": "string", "contentEncoding": "base64"}
        case _:
            schema["type"] = "string"
    return schema | ({"examples": attribute["canonicalValues"]} if attribute.get("canonicalValues") else {})


def build_attributes(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {attribute["name"]: build_attribute(attribute) for attribute in attributes}


def test_user_has_attributes_of_schemas() -> None:
    user = load_user_type()
    extension = user.extensions[0].id
    common = build_attributes([attribute for attribute in load_document("common") if attribute["name"] != "schemas"])
    properties = dict(SCHEMAS["User"]["properties"])
    assert properties.pop("schemas")["type"] == "array"
    assert properties.pop(extension) == {"$ref": "#/components/schemas/EnterpriseUser"}
    limits_of_name = {"minLength": 1, "maxLength": 512}
    expected = common | build_attributes(user.schema.document["attributes"])
    expected["userName"] |= limits_of_name
    assert properties == expected
    assert SCHEMAS["EnterpriseUser"]["properties"] == build_attributes(user.extensions[0].document["attributes"])


@pytest.mark.parametrize(
    ("component", "document"),
    [("ServiceProviderConfig", "service-provider-config"), ("ResourceType", "resource-type"), ("Schema", "schema")],
)
def test_discovery_document_has_attributes_of_schema(component: str, document: str) -> None:
    """The endpoint need not return optional attributes, so the document may lack them."""
    schema = SCHEMAS[component]
    attributes = {attribute["name"]: attribute for attribute in load_document(document)["attributes"]}
    assert set(schema["properties"]) - {"schemas", "id", "meta"} <= attributes.keys()
    assert {name for name, attribute in attributes.items() if attribute["required"]} <= set(schema["required"])


def test_limits_are_those_of_code() -> None:
    bulk = SCHEMAS["BulkRequest"]["properties"]["Operations"]
    assert bulk["maxItems"] == limits.MAX_OPERATIONS == build_service_provider_config("")["bulk"]["maxOperations"]
    assert SCHEMAS["UserList"]["properties"]["Resources"]["maxItems"] == limits.MAX_RESULTS
    assert f"{limits.MAX_PAYLOAD_BYTES:,} bytes" in DOCUMENT["info"]["description"]


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """Return the component that a reference names, or the value itself."""
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    component: dict[str, Any] = COMPONENTS[kind][name]
    return component


def list_examples() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each example of a body with its schema."""
    bodies = [operation.get("requestBody", {}) for _, _, operation in list_operations()]
    bodies += COMPONENTS["responses"].values()
    bodies += [
        resolve(response) for _, _, operation in list_operations() for response in operation["responses"].values()
    ]
    for body in bodies:
        for media in body.get("content", {}).values():
            for example in media.get("examples", {}).values():
                yield resolve(example)["value"], media["schema"]


def test_examples_match_their_schemas() -> None:
    examples = list(list_examples())
    assert len(examples) > 30
    for value, schema in examples:
        # A new user has no id yet: readOnly attributes are required in responses only (OpenAPI 3.1, JSON Schema 9.4).
        new_user_id = {"id": "1"} if value.get("userName") and "id" not in value else {}
        Draft202012Validator(schema | {"components": COMPONENTS}).validate(value | new_user_id)


def test_all_components_are_used() -> None:
    text = (ROOT / "docs/build/openapi.yaml").read_text("utf-8")
    for kind in ("parameters", "headers", "responses", "schemas", "examples"):
        for name in COMPONENTS[kind]:
            assert f'"#/components/{kind}/{name}"' in text, name


@pytest.mark.parametrize(
    "path",
    ["/openapi.yaml", "/openapi.json", "/scim/v2/openapi.yaml", "/scim/v2/openapi.json", "/docs", "/scim/v2/docs"],
)
def test_document_is_not_served(path: str, scim: Endpoint) -> None:
    """Without a token, the response is the same as for any other path. With one, there is no such path."""
    status, _, body = scim.send("GET", path, {"authorization": ""}, base="")
    assert status == errors.Unauthorized.status
    assert b"openapi" not in body
    assert scim.send("GET", path, base="")[0] == errors.NotFound.status
