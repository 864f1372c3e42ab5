"""The schema documents of this project, compared with those of scim2-models, an independent implementation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scim2_models import EnterpriseUser, Extension, Resource, ResourceType, Schema, ServiceProviderConfig, User

from scim.protocol.schema import strip_non_standard

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "src/scim/protocol/schemas"
EXAMPLES = ROOT / "examples/extensions"

REFERENCES: dict[str, type[Resource[Any] | Extension]] = {
    "user": User,
    "enterprise-user": EnterpriseUser,
    "service-provider-config": ServiceProviderConfig,
    "resource-type": ResourceType,
    "schema": Schema,
}

# The defaults of RFC 7643, section 2.2. Sections 2.3.1 to 2.3.8 define which data types have a characteristic.
DEFAULTS = {
    "required": False,
    "canonicalValues": None,
    "caseExact": False,
    "mutability": "readWrite",
    "returned": "default",
    "uniqueness": "none",
    "referenceTypes": None,
}
TYPES_WITH_CASE = {"string", "reference", "binary"}
ALWAYS_CASE_EXACT = {"reference", "binary"}
TYPES_WITH_UNIQUENESS = {"string", "integer", "decimal", "reference"}

# Intended differences from scim2-models: the characteristics of an attribute (ours, theirs; None: missing), and why.
DEVIATIONS: dict[str, dict[str, dict[str, tuple[object, object]]]] = {
    "user": {
        # Muster neither stores nor returns the password (docs/use/identity-providers/README.md), so no schema lists it.
        "password": {"name": (None, "password")},
    },
    "enterprise-user": {
        # Section 4.3 has both as RECOMMENDED. Identity providers send only the value.
        "manager.value": {"required": (False, True)},
        "manager.$ref": {"required": (False, True)},
    },
    "service-provider-config": {
        # Sections 5 and 8.7.2 do not list this attribute. The resource has no id.
        "id": {"name": (None, "id")},
    },
    "resource-type": {
        # Section 8.7.2: "caseExact": false, "uniqueness": "none" for both.
        "name": {"caseExact": (False, True), "uniqueness": ("none", "server")},
        "endpoint": {"uniqueness": ("none", "server")},
    },
    "schema": {
        # Section 2.3.8: a complex attribute MUST NOT contain sub-attributes that are complex (erratum 8415).
        "attributes.subAttributes.type": {
            "canonicalValues": (
                ["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary"],
                ["string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary"],
            )
        },
    },
}


def load(path: Path) -> Any:
    return strip_non_standard(json.loads(path.read_text(encoding="utf-8")))


def flatten(attributes: list[dict[str, Any]], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield attributes and sub-attributes with their paths, with the defaults of missing characteristics."""
    for attribute in attributes:
        path = prefix + attribute["name"]
        structure = {k: v for k, v in attribute.items() if k not in ("description", "subAttributes")}
        yield path, DEFAULTS | structure
        yield from flatten(attribute.get("subAttributes") or [], path + ".")


def find_differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[object, object]]:
    if not ours or not theirs:
        return {"name": (ours.get("name"), theirs.get("name"))}
    return {k: (ours[k], theirs[k]) for k in sorted(ours) if ours[k] != theirs[k]}


@pytest.mark.parametrize("name", REFERENCES)
def test_differences_from_reference(name: str) -> None:
    ours = dict(flatten(load(SCHEMAS / f"{name}.json")["attributes"]))
    theirs = dict(flatten(REFERENCES[name].to_schema().model_dump()["attributes"]))

    actual = {
        path: difference
        for path in sorted(ours.keys() | theirs.keys())
        if (difference := find_differences(ours.get(path, {}), theirs.get(path, {})))
    }

    assert DEVIATIONS.get(name, {}) == actual


def test_common_attributes() -> None:
    attributes = {
        path: (a["type"], a["multiValued"], a["mutability"], a["returned"], a["caseExact"], a["uniqueness"])
        for path, a in flatten(load(SCHEMAS / "common.json"))
    }

    assert attributes == {
        "id": ("string", False, "readOnly", "always", True, "server"),
        "externalId": ("string", False, "readWrite", "default", True, "none"),
        "schemas": ("string", True, "readOnly", "always", False, "none"),
        "meta": ("complex", False, "readOnly", "default", False, "none"),
        "meta.resourceType": ("string", False, "readOnly", "default", True, "none"),
        "meta.created": ("dateTime", False, "readOnly", "default", False, "none"),
        "meta.lastModified": ("dateTime", False, "readOnly", "default", False, "none"),
        "meta.location": ("reference", False, "readOnly", "default", True, "none"),
        "meta.version": ("string", False, "readOnly", "default", True, "none"),
    }


# The schema of schemas is nested one level deeper than the "subAttributes" that it defines, as in section 8.7.2.
EXPECTED_ERRORS = {
    "schema": [
        "schema.attributes.subAttributes.subAttributes is not defined",
        "schema.attributes.subAttributes.type is not one of the canonical values",
    ]
}

DOCUMENTS = [*(SCHEMAS / f"{name}.json" for name in REFERENCES), *sorted(EXAMPLES.glob("*.json"))]


def find_conformance_errors(value: dict[str, Any], definitions: list[dict[str, Any]], where: str) -> Iterator[str]:
    """Yield the violations of attribute definitions in a JSON object."""
    by_name = {definition["name"]: definition for definition in definitions}
    yield from (f"{where}.{name} is not defined" for name in value if name not in by_name)
    for name, definition in by_name.items():
        if name not in value:
            if definition["required"]:
                yield f"{where}.{name} is missing"
            continue
        yield from find_value_errors(value[name], definition, f"{where}.{name}")


def find_value_errors(value: Any, definition: dict[str, Any], where: str) -> Iterator[str]:
    if definition["multiValued"] != isinstance(value, list):
        yield f"{where} does not match its multiValued"
        return
    for item in value if isinstance(value, list) else [value]:
        if definition["type"] == "complex":
            yield from find_conformance_errors(item, definition["subAttributes"], where)
        elif type(item) is not {"string": str, "boolean": bool}[definition["type"]]:
            yield f"{where} is not a {definition['type']}"
        elif item not in definition.get("canonicalValues", [item]):
            yield f"{where} is not one of the canonical values"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_document_is_a_valid_schema(path: Path) -> None:
    document = load(path)
    definitions = load(SCHEMAS / "schema.json")["attributes"]

    assert document.pop("schemas") == ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
    assert list(find_conformance_errors(document, definitions, path.stem)) == EXPECTED_ERRORS.get(path.stem, [])


@pytest.mark.parametrize("path", [*DOCUMENTS, SCHEMAS / "common.json"], ids=lambda path: path.stem)
def test_attributes_have_characteristics_of_their_type(path: Path) -> None:
    document = load(path)
    for name, attribute in list_attributes(document if isinstance(document, list) else document["attributes"]):
        data_type = attribute["type"]
        expected = {"name", "type", "multiValued", "description", "required", "mutability", "returned"}
        expected |= {"caseExact"} if data_type in TYPES_WITH_CASE else set()
        expected |= {"uniqueness"} if data_type in TYPES_WITH_UNIQUENESS else set()
        expected |= {"referenceTypes"} if data_type == "reference" else set()
        expected |= {"subAttributes"} if data_type == "complex" else set()
        assert attribute.keys() - {"canonicalValues"} == expected, name
        assert attribute.get("caseExact") or data_type not in ALWAYS_CASE_EXACT, name


def list_attributes(attributes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for attribute in attributes:
        yield attribute["name"], attribute
        yield from list_attributes(attribute.get("subAttributes", []))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_reference_implementation_accepts_document(path: Path) -> None:
    schema = Schema.model_validate(load(path))

    assert schema.id == load(path)["id"]
