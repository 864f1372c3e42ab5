"""Schemas and resource types: the documents of RFC 7643 sections 6 and 7, compiled for the rest of the protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

_DOCUMENTS = Path(__file__).parent / "schemas"


class DataType(StrEnum):
    """The data types of RFC 7643 section 2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


PYTHON_CLASSES: dict[DataType, type] = {
    DataType.STRING: str,
    DataType.REFERENCE: str,
    DataType.BINARY: str,
    DataType.BOOLEAN: bool,
    DataType.INTEGER: int,
}
"""The Python class of a data type's values in parsed JSON, for the types whose values are all instances of it."""


class StringFormat(StrEnum):
    """The format of a string attribute in a tenant's custom schema. SCIM has no data types for these."""

    DATE = "date"
    """An ISO 8601 date: ``2026-01-31``. It can have a time, which is not compared."""
    EMPLOYEE = "employee"
    """The email or userName of another user, who may be provisioned later."""


class Mutability(StrEnum):
    """When clients can write an attribute (RFC 7643 section 7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """When responses have an attribute (RFC 7643 section 7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute and its characteristics (RFC 7643 section 7). ``sub_attributes`` are by lower-case name."""

    name: str
    type: DataType
    is_multi_valued: bool = False
    is_required: bool = False
    is_case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    is_unique: bool = False
    max_length: int | None = None
    format: StringFormat | None = None
    reference_types: tuple[str, ...] = ()
    sub_attributes: Mapping[str, Attribute] = field(default_factory=dict)
    # Derived from the above once, because parsing a value needs them.
    is_read_only: bool = field(init=False)
    is_immutable: bool = field(init=False)
    is_write_only: bool = field(init=False)
    is_complex: bool = field(init=False)
    is_plain_string: bool = field(init=False)
    """Whether every string is a value of this attribute and is stored unchanged."""
    value_class: object = field(init=False)
    """The class whose instances are all values of this attribute; ``None`` if there is no such class."""
    required_sub_attributes: tuple[Attribute, ...] = field(init=False)
    """The sub-attributes that a value must have."""
    immutable_sub_attributes: tuple[Attribute, ...] = field(init=False)
    """The immutable sub-attributes."""
    has_read_only_sub_attributes: bool = field(init=False)
    """Whether a sub-attribute is readOnly."""

    def __post_init__(self) -> None:
        is_text = self.type in (DataType.STRING, DataType.REFERENCE) and not self.is_multi_valued
        is_write_only = self.mutability is Mutability.WRITE_ONLY
        is_limited = self.max_length is not None or self.format is not None
        object.__setattr__(self, "is_read_only", self.mutability is Mutability.READ_ONLY)
        object.__setattr__(self, "is_immutable", self.mutability is Mutability.IMMUTABLE)
        object.__setattr__(self, "is_write_only", is_write_only)
        object.__setattr__(self, "is_complex", self.type is DataType.COMPLEX)
        object.__setattr__(self, "is_plain_string", is_text and not is_write_only and not is_limited)
        object.__setattr__(self, "value_class", None if self.is_multi_valued else PYTHON_CLASSES.get(self.type))
        object.__setattr__(self, "required_sub_attributes", _select_required(self.sub_attributes))
        members = self.sub_attributes.values()
        object.__setattr__(self, "immutable_sub_attributes", tuple(member for member in members if member.is_immutable))
        object.__setattr__(self, "has_read_only_sub_attributes", any(member.is_read_only for member in members))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attribute:
        """Compile an attribute of a schema document. RFC 7643 section 2.2 has the defaults of its characteristics."""
        return cls(
            name=document["name"],
            type=DataType(document["type"]),
            is_multi_valued=document.get("multiValued", False),
            is_required=document.get("required", False),
            # References and binaries are always compared exactly (sections 2.3.6 and 2.3.7).
            is_case_exact=document.get("caseExact", False) or document["type"] in (DataType.REFERENCE, DataType.BINARY),
            mutability=Mutability(document.get("mutability", Mutability.READ_WRITE)),
            returned=Returned(document.get("returned", Returned.DEFAULT)),
            is_unique=document.get("uniqueness", "none") != "none",
            max_length=document.get("maxLength"),
            format=StringFormat(document["format"]) if "format" in document else None,
            reference_types=tuple(document.get("referenceTypes", ())),
            sub_attributes=_compile_attributes(document.get("subAttributes", ())),
        )

    def find_sub_attribute(self, name: str) -> Attribute | None:
        """Return the sub-attribute with this name, which has no case, or ``None``."""
        return self.sub_attributes.get(name.lower())

    def refers_to(self, resource_type: str) -> bool:
        """Return whether the values reference resources of a type: with a ``$ref``, or in the format ``employee``."""
        ref, value = self.find_sub_attribute("$ref"), self.find_sub_attribute("value")
        if self.is_read_only:
            return False
        if value is None:
            return self.format is StringFormat.EMPLOYEE
        return value.format is StringFormat.EMPLOYEE or (ref is not None and resource_type in ref.reference_types)


def _select_required(attributes: Mapping[str, Attribute]) -> tuple[Attribute, ...]:
    """Return the attributes that clients must send."""
    return tuple(attribute for attribute in attributes.values() if attribute.is_required and not attribute.is_read_only)


def _compile_attributes(documents: Iterable[Mapping[str, Any]]) -> dict[str, Attribute]:
    """Return the attributes of a schema document by their names in lower case."""
    return {document["name"].lower(): Attribute.from_document(document) for document in documents}


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema: its URN, its attributes by lower-case name, and the document that ``/Schemas`` returns."""

    id: str
    attributes: Mapping[str, Attribute]
    document: Mapping[str, Any]
    required_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that clients must send."""
    immutable_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that are immutable or have an immutable sub-attribute, without those that are readOnly."""
    value_classes: Mapping[str, object] = field(init=False)
    """The ``value_class`` of each attribute that has one, by the attribute's name."""
    tracked_attribute_names: tuple[str, ...] = field(init=False)
    """The names of the attributes whose changes are recorded: all but those that the server sets."""

    def __post_init__(self) -> None:
        attributes = self.attributes.values()
        names = (attribute.name for attribute in attributes)
        object.__setattr__(
            self, "tracked_attribute_names", tuple(name for name in names if name not in ("id", "meta", "schemas"))
        )
        classes = {
            attribute.name: attribute.value_class for attribute in attributes if attribute.value_class is not None
        }
        object.__setattr__(self, "value_classes", classes)
        object.__setattr__(self, "required_attributes", _select_required(self.attributes))
        object.__setattr__(self, "immutable_attributes", tuple(filter(_has_immutable_part, attributes)))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Schema:
        """Compile a schema document."""
        return cls(document["id"], _compile_attributes(document["attributes"]), document)

    def find_attribute(self, name: str) -> Attribute | None:
        """Return the attribute with this name, which has no case, or ``None``."""
        return self.attributes.get(name.lower())


def _has_immutable_part(attribute: Attribute) -> bool:
    """Return whether clients can write the attribute, but not change it or one of its sub-attributes later."""
    return not attribute.is_read_only and (attribute.is_immutable or bool(attribute.immutable_sub_attributes))


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A resource type: its endpoint and its schemas (RFC 7643 section 6)."""

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    discarded_attributes: tuple[Attribute, ...] = ()
    """writeOnly attributes that are validated and then discarded. ``/Schemas`` does not list them."""
    custom_urns: frozenset[str] = frozenset()
    """The URNs of a tenant's custom extensions. They may have been different when a value was stored."""
    reduced_urns: frozenset[str] = frozenset()
    """The URNs of custom extensions with removed attributes, whose values users may still have."""
    core_schema: Schema = field(init=False)
    """The core schema with the common attributes (RFC 7643 section 3.1) and the discarded ones."""
    schemas: tuple[Schema, ...] = field(init=False)
    """The core schema and the extensions."""
    urns: frozenset[str] = field(init=False)
    """The URNs of all schemas, in lower case."""
    extensions_by_id: Mapping[str, Schema] = field(init=False)
    """The extensions by their URN, in the case in which it is stored."""
    standard_extension_urns: frozenset[str] = field(init=False)
    """The URNs of the extensions that the RFCs define. Responses have all their stored values."""
    urns_without_hidden_values: frozenset[str] = field(init=False)
    """The URNs of the schemas whose stored values are all in responses."""
    unique_attribute: Attribute = field(init=False)
    """The attribute whose value is unique in a tenant, such as ``userName``."""
    is_returned_whole: bool = field(init=False)
    """Whether a response without ``attributes`` and ``excludedAttributes`` has all attributes of a resource."""
    reference_attributes: tuple[tuple[Schema, Attribute], ...] = field(init=False)
    """The attributes whose values reference other resources of this type, each with its schema."""
    names_with_spaces: tuple[str, ...] = field(init=False)
    """The names with a space, with their URN and in lower case, the longest first.

    The grammar of filters cannot find where such a name ends.
    """

    def __post_init__(self) -> None:
        discarded = {attribute.name.lower(): attribute for attribute in self.discarded_attributes}
        attributes = {**_load_common_attributes(), **self.schema.attributes, **discarded}
        core = Schema(self.schema.id, attributes, self.schema.document)
        (unique,) = (attribute for attribute in self.schema.attributes.values() if attribute.is_unique)
        schemas = (core, *self.extensions)
        by_id = {schema.id: schema for schema in self.extensions}
        spaced = [
            f"{schema.id.lower()}:{name}" for schema in self.extensions for name in _list_names_with_space(schema)
        ]
        object.__setattr__(self, "core_schema", core)
        object.__setattr__(self, "schemas", schemas)
        object.__setattr__(self, "urns", frozenset(schema.id.lower() for schema in schemas))
        object.__setattr__(self, "extensions_by_id", by_id)
        object.__setattr__(self, "standard_extension_urns", frozenset(by_id) - self.custom_urns)
        object.__setattr__(self, "urns_without_hidden_values", frozenset((core.id, *by_id)) - self.reduced_urns)
        object.__setattr__(self, "unique_attribute", unique)
        object.__setattr__(self, "is_returned_whole", not any(map(_has_hidden_attributes, schemas)))
        object.__setattr__(self, "reference_attributes", tuple(self._list_reference_attributes()))
        object.__setattr__(self, "names_with_spaces", tuple(sorted(spaced, key=len, reverse=True)))

    def _list_reference_attributes(self) -> Iterator[tuple[Schema, Attribute]]:
        for schema in self.schemas:
            for attribute in schema.attributes.values():
                if attribute.refers_to(self.name):
                    yield schema, attribute

    def find_extension(self, urn: str) -> Schema | None:
        """Return the extension with this URN, which has no case (RFC 7643 section 10.2.1), or ``None``."""
        return next((schema for schema in self.extensions if schema.id.lower() == urn.lower()), None)

    def with_extensions(
        self, documents: Iterable[Mapping[str, Any]], reduced_urns: frozenset[str] = frozenset()
    ) -> ResourceType:
        """Return the same resource type with more extensions, given as schema documents."""
        added = tuple(map(Schema.from_document, documents))
        return replace(
            self,
            extensions=self.extensions + added,
            custom_urns=self.custom_urns.union(schema.id for schema in added),
            reduced_urns=reduced_urns,
        )


def _list_names_with_space(schema: Schema) -> Iterator[str]:
    """Yield each attribute's name that has a space, alone and with each sub-attribute."""
    for name, attribute in schema.attributes.items():
        if " " in name:
            yield name
            yield from (f"{name}.{sub_name}" for sub_name in attribute.sub_attributes)


def _has_hidden_attributes(schema: Schema) -> bool:
    """Return whether a schema has stored attributes that responses have only on request or never."""
    stored = [attribute for attribute in schema.attributes.values() if not attribute.is_write_only]
    members = [*stored, *(member for attribute in stored for member in attribute.sub_attributes.values())]
    return any(member.returned in (Returned.NEVER, Returned.REQUEST) for member in members)


def load_document(name: str) -> Any:
    """Return a JSON document of the folder ``schemas``, such as ``user``."""
    return json.loads((_DOCUMENTS / f"{name}.json").read_text("utf-8"))


def strip_non_standard(document: Any) -> Any:
    """Return a schema document without the characteristics that are not in the RFC: strict clients reject them."""
    if isinstance(document, list):
        return [strip_non_standard(element) for element in document]
    if isinstance(document, Mapping):
        non_standard = ("maxLength", "format")
        return {name: strip_non_standard(value) for name, value in document.items() if name not in non_standard}
    return document


@cache
def _load_common_attributes() -> dict[str, Attribute]:
    """Return the attributes of every resource (RFC 7643 section 3.1)."""
    return _compile_attributes(load_document("common"))


@cache
def load_user_type() -> ResourceType:
    """Return the resource type User: core and enterprise schema (RFC 7643 sections 4.1 and 4.3)."""
    return ResourceType(
        name="User",
        endpoint="/Users",
        description="User Account",
        schema=Schema.from_document(load_document("user")),
        extensions=(Schema.from_document(load_document("enterprise-user")),),
        # Identity providers send it; this service never logs anyone in.
        discarded_attributes=(
            Attribute("password", DataType.STRING, mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER),
        ),
    )
