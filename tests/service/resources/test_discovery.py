"""The discovery documents (RFC 7643, sections 5 to 7, and RFC 7644, section 4)."""

from collections.abc import Iterator
from typing import Any

import pytest

from scim.protocol.errors import NotFound
from scim.protocol.schema import load_user_type
from scim.service import limits
from scim.service.resources.discovery import (
    RESOURCE_TYPE,
    SCHEMA,
    SERVICE_PROVIDER_CONFIG,
    DiscoveryDocuments,
    build_service_provider_config,
)
from tests.endpoint import CORE, ENTERPRISE, SURVEY
from tests.service.fakes import BASE_URL

EXTENSION = {
    "schemas": [SCHEMA],
    "id": SURVEY,
    "name": "Survey",
    "description": "What a survey asks by",
    "attributes": [{"name": "Business Unit", "type": "string", "multiValued": False, "description": "As in payroll"}],
}

PLAIN = DiscoveryDocuments((load_user_type(),), BASE_URL)
EXTENDED = DiscoveryDocuments((load_user_type().with_extensions([EXTENSION]),), BASE_URL)


def list_documents(discovery: DiscoveryDocuments) -> Iterator[dict[str, Any]]:
    yield build_service_provider_config(BASE_URL)
    yield from discovery.list_resource_types()
    yield from discovery.list_schemas()


def test_service_provider_config_has_features_and_limits() -> None:
    config = build_service_provider_config(BASE_URL)

    assert {name: value for name, value in config.items() if isinstance(value, dict) and name != "meta"} == {
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": 1_000, "maxPayloadSize": 1_048_576},
        "filter": {"supported": True, "maxResults": 200},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": 200,
            "maxPageSize": 200,
            "cursorTimeout": 3600,
        },
    }
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == ["oauthbearertoken"]


def test_limits_are_enforced_limits() -> None:
    config = build_service_provider_config(BASE_URL)

    assert config["filter"]["maxResults"] == limits.MAX_RESULTS
    assert config["bulk"]["maxOperations"] == limits.MAX_OPERATIONS
    assert config["bulk"]["maxPayloadSize"] == limits.MAX_PAYLOAD_BYTES


def test_users_are_the_only_resource_type() -> None:
    (resource_type,) = EXTENDED.list_resource_types()

    assert resource_type == {
        "schemas": [RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": CORE,
        "schemaExtensions": [{"schema": ENTERPRISE, "required": False}, {"schema": SURVEY, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{BASE_URL}/ResourceTypes/User"},
    }


def test_schemas_are_listed() -> None:
    discovery_schemas = [SERVICE_PROVIDER_CONFIG, RESOURCE_TYPE, SCHEMA]

    assert [schema["id"] for schema in PLAIN.list_schemas()] == [CORE, ENTERPRISE, *discovery_schemas]
    assert [schema["id"] for schema in EXTENDED.list_schemas()] == [CORE, ENTERPRISE, SURVEY, *discovery_schemas]


def test_extension_is_returned_as_configured() -> None:
    schema = EXTENDED.get_schema(SURVEY)

    assert schema == EXTENSION | {"meta": {"resourceType": "Schema", "location": f"{BASE_URL}/Schemas/{SURVEY}"}}


@pytest.mark.parametrize("discovery", [PLAIN, EXTENDED], ids=["plain", "extended"])
def test_documents_have_only_attributes_of_their_schema(discovery: DiscoveryDocuments) -> None:
    schemas = {schema["id"]: schema for schema in discovery.list_schemas()}
    common = {"schemas", "id", "meta"}

    unknown = {
        (document["meta"]["location"], name)
        for document in list_documents(discovery)
        for name in document.keys() - common
        if name not in {attribute["name"] for attribute in schemas[document["schemas"][0]]["attributes"]}
    }

    assert unknown == set()


@pytest.mark.parametrize("discovery", [PLAIN, EXTENDED], ids=["plain", "extended"])
def test_documents_are_served_at_their_location(discovery: DiscoveryDocuments) -> None:
    for resource_type in discovery.list_resource_types():
        assert discovery.get_resource_type(resource_type["meta"]["location"].rpartition("/")[2]) == resource_type
    for schema in discovery.list_schemas():
        assert discovery.get_schema(schema["meta"]["location"].rpartition("/")[2]) == schema


def test_names_and_urns_are_case_insensitive() -> None:
    assert PLAIN.get_resource_type("uSER")["id"] == "User"
    assert PLAIN.get_schema(ENTERPRISE.upper())["id"] == ENTERPRISE


@pytest.mark.parametrize("urn", [SURVEY, "", "urn:ietf:params:scim:schemas:core:2.0:Group", CORE + ":userName"])
def test_other_schema_is_not_found(urn: str) -> None:
    with pytest.raises(NotFound):
        PLAIN.get_schema(urn)


@pytest.mark.parametrize("name", ["Group", "Users", ""])
def test_other_resource_type_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        PLAIN.get_resource_type(name)


def test_groups_and_password_are_not_listed() -> None:
    attributes = {attribute["name"] for schema in PLAIN.list_schemas() for attribute in schema["attributes"]}

    assert "password" not in attributes
    assert not any(schema["id"].endswith(":Group") for schema in PLAIN.list_schemas())
