"""Schemas and resource types, compiled from JSON documents as RFC 7643 sections 6 and 7 define them."""

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
"""The Python classes of those data types for which every instance of the class is a valid value."""


class StringFormat(StrEnum):
    """The formats of string attributes in custom schemas, for which SCIM has no data types."""

    DATE = "date"
    """An ISO 8601 date, such as ``2026-01-31``. A time can follow, which comparisons ignore."""
    EMPLOYEE = "employee"
    """The email or userName of another user, who may not exist yet."""


class Mutability(StrEnum):
    """Whether and when clients can write an attribute (RFC 7643 section 7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """When responses include an attribute (RFC 7643 section 7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute with its characteristics (RFC 7643 section 7).

    The keys of ``sub_attributes`` are lower-case names. ``is_unique`` is true if ``uniqueness`` is ``server`` or
    ``global``. ``max_length`` (in characters) and ``format`` are not in the RFC: only custom schemas have them.
    """

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
    # Computed once from the fields above, because the parser needs them for every value.
    is_read_only: bool = field(init=False)
    is_immutable: bool = field(init=False)
    is_write_only: bool = field(init=False)
    is_complex: bool = field(init=False)
    is_plain_string: bool = field(init=False)
    """True if every string is a valid value of the attribute and is stored unchanged."""
    value_class: object = field(init=False)
    """The Python class whose every instance is a valid value of the attribute, or ``None``."""
    required_sub_attributes: tuple[Attribute, ...] = field(init=False)
    """The sub-attributes that clients must send with a value."""
    immutable_sub_attributes: tuple[Attribute, ...] = field(init=False)
    has_read_only_sub_attributes: bool = field(init=False)
    key_with_value: tuple[Attribute, ...] = field(init=False)
    """The sub-attributes that identify an element with a value: ``type`` and ``value``."""
    key_without_value: tuple[Attribute, ...] = field(init=False)
    """The sub-attributes that identify an element without a value: all except ``primary``."""
    absent_value: bool | None = field(init=False, default=None)
    """The value that comparisons assume if an element does not have this sub-attribute: false for ``primary``."""

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
        members = self.sub_attributes.items()
        object.__setattr__(self, "immutable_sub_attributes", tuple(part for _, part in members if part.is_immutable))
        object.__setattr__(self, "has_read_only_sub_attributes", any(part.is_read_only for _, part in members))
        object.__setattr__(self, "key_with_value", tuple(part for name, part in members if name in ("type", "value")))
        object.__setattr__(self, "key_without_value", tuple(part for name, part in members if name != "primary"))
        primary = self.sub_attributes.get("primary")
        if self.is_multi_valued and primary is not None and primary.type is DataType.BOOLEAN:
            object.__setattr__(primary, "absent_value", False)  # RFC 7643 section 2.4

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attribute:
        """Compile an attribute of a schema document. RFC 7643 section 2.2 defines the defaults of characteristics."""
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
        """Return the sub-attribute with this name, compared case-insensitively, or ``None``."""
        return self.sub_attributes.get(name.lower())

    def refers_to(self, resource_type: str) -> bool:
        """Return whether values reference resources of this type, by a ``$ref`` or in the format ``employee``."""
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
    """Compile the attributes of a schema document. The keys of the result are lower-case names."""
    return {document["name"].lower(): Attribute.from_document(document) for document in documents}


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema: its URN (``id``), its attributes by lower-case name, and the document that it was compiled from."""

    id: str
    attributes: Mapping[str, Attribute]
    document: Mapping[str, Any]
    required_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that clients must send."""
    immutable_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that are immutable or have an immutable sub-attribute, except readOnly ones."""
    value_classes: Mapping[str, object] = field(init=False)
    """The ``value_class`` of each attribute that has one, by the attribute's name."""
    tracked_attribute_names: tuple[str, ...] = field(init=False)
    """The names of the attributes whose changes are recorded: all except ``id``, ``meta`` and ``schemas``."""

    def __post_init__(self) -> None:
        attributes = self.attributes.values()
        names = (attribute.name for attribute in attributes)
        tracked_names = tuple(name for name in names if name not in ("id", "meta", "schemas"))
        object.__setattr__(self, "tracked_attribute_names", tracked_names)
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
        """Return the attribute with this name, compared case-insensitively, or ``None``."""
        return self.attributes.get(name.lower())


def _has_immutable_part(attribute: Attribute) -> bool:
    """Return whether the attribute or a sub-attribute is immutable. Return false for a readOnly attribute."""
    return not attribute.is_read_only and (attribute.is_immutable or bool(attribute.immutable_sub_attributes))


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A resource type with its endpoint and schemas (RFC 7643 section 6).

    ``schema`` is the core schema as ``/Schemas`` returns it. ``core_schema`` also includes the attributes that
    ``/Schemas`` does not list.
    """

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    discarded_attributes: tuple[Attribute, ...] = ()
    """WriteOnly attributes that are validated but not stored. ``/Schemas`` does not list them."""
    custom_urns: frozenset[str] = frozenset()
    """The URNs of a tenant's custom schemas, which the tenant can change."""
    reduced_urns: frozenset[str] = frozenset()
    """The URNs of custom schemas from which attributes were removed. Users may still have values of them."""
    core_schema: Schema = field(init=False)
    """``schema`` with the common attributes (RFC 7643 section 3.1) and the discarded attributes."""
    schemas: tuple[Schema, ...] = field(init=False)
    """The core schema and the extensions."""
    urns: frozenset[str] = field(init=False)
    """The URNs of all schemas, in lower case."""
    extensions_by_id: Mapping[str, Schema] = field(init=False)
    """The extensions by URN, in the case of the schema document."""
    standard_extension_urns: frozenset[str] = field(init=False)
    """The URNs of the extensions that are not custom. All their stored values conform to the schema."""
    urns_returned_whole: frozenset[str] = field(init=False)
    """The URNs of the schemas from which no attribute was removed. All their stored values can be returned."""
    unique_attribute: Attribute = field(init=False)
    """The attribute whose values must be unique in a tenant, such as ``userName``."""
    is_returned_whole: bool = field(init=False)
    """True if a response includes all attributes of a resource, unless the request names some to include or exclude."""
    reference_attributes: tuple[tuple[Schema, Attribute], ...] = field(init=False)
    """The attributes whose values reference other resources of this type, each with its schema."""
    names_with_spaces: tuple[str, ...] = field(init=False)
    """The attribute names that contain a space, with their URN, in lower case, the longest first.

    The filter parser needs them, because the grammar does not show where such a name ends.
    """

    def __post_init__(self) -> None:
        discarded_attributes = {attribute.name.lower(): attribute for attribute in self.discarded_attributes}
        attributes = {**_load_common_attributes(), **self.schema.attributes, **discarded_attributes}
        core_schema = Schema(self.schema.id, attributes, self.schema.document)
        (unique_attribute,) = (attribute for attribute in self.schema.attributes.values() if attribute.is_unique)
        schemas = (core_schema, *self.extensions)
        extensions_by_id = {schema.id: schema for schema in self.extensions}
        urns = frozenset(extensions_by_id)
        names_with_spaces = [
            f"{schema.id.lower()}:{name}" for schema in self.extensions for name in _list_names_with_space(schema)
        ]
        object.__setattr__(self, "core_schema", core_schema)
        object.__setattr__(self, "schemas", schemas)
        object.__setattr__(self, "urns", frozenset(schema.id.lower() for schema in schemas))
        object.__setattr__(self, "extensions_by_id", extensions_by_id)
        object.__setattr__(self, "standard_extension_urns", urns - self.custom_urns)
        object.__setattr__(self, "urns_returned_whole", urns - self.reduced_urns | {core_schema.id})
        object.__setattr__(self, "unique_attribute", unique_attribute)
        object.__setattr__(self, "is_returned_whole", not any(map(_has_attributes_not_returned_by_default, schemas)))
        object.__setattr__(self, "reference_attributes", tuple(self._list_reference_attributes()))
        object.__setattr__(self, "names_with_spaces", tuple(sorted(names_with_spaces, key=len, reverse=True)))

    def _list_reference_attributes(self) -> Iterator[tuple[Schema, Attribute]]:
        """Yield the attributes whose values reference other resources of this type, each with its schema."""
        for schema in self.schemas:
            for attribute in schema.attributes.values():
                if attribute.refers_to(self.name):
                    yield schema, attribute

    def find_extension(self, urn: str) -> Schema | None:
        """Return the extension with this URN, compared case-insensitively (RFC 7643 section 10.2.1), or ``None``."""
        return next((schema for schema in self.extensions if schema.id.lower() == urn.lower()), None)

    def with_extensions(
        self, documents: Iterable[Mapping[str, Any]], reduced_urns: frozenset[str] = frozenset()
    ) -> ResourceType:
        """Return a copy of the resource type with custom schemas added. ``documents`` are their schema documents."""
        extensions = tuple(map(Schema.from_document, documents))
        return replace(
            self,
            extensions=self.extensions + extensions,
            custom_urns=self.custom_urns.union(schema.id for schema in extensions),
            reduced_urns=reduced_urns,
        )


def _list_names_with_space(schema: Schema) -> Iterator[str]:
    """Yield each attribute name that contains a space, and its path to each sub-attribute."""
    for name, attribute in schema.attributes.items():
        if " " in name:
            yield name
            yield from (f"{name}.{sub_name}" for sub_name in attribute.sub_attributes)


def _has_attributes_not_returned_by_default(schema: Schema) -> bool:
    """Return whether a schema has stored attributes that responses include only on request, or never."""
    attributes = [attribute for attribute in schema.attributes.values() if not attribute.is_write_only]
    sub_attributes = [member for attribute in attributes for member in attribute.sub_attributes.values()]
    return any(member.returned in (Returned.NEVER, Returned.REQUEST) for member in (*attributes, *sub_attributes))


def load_document(name: str) -> Any:
    """Load a JSON document from the folder ``schemas``, such as ``user``."""
    return json.loads((_DOCUMENTS / f"{name}.json").read_text("utf-8"))


def strip_non_standard(document: Any) -> Any:
    """Return a schema document without characteristics that RFC 7643 does not define, which strict clients reject."""
    if isinstance(document, list):
        return [strip_non_standard(element) for element in document]
    if isinstance(document, Mapping):
        non_standard = ("maxLength", "format")
        return {name: strip_non_standard(value) for name, value in document.items() if name not in non_standard}
    return document


@cache
def _load_common_attributes() -> dict[str, Attribute]:
    """Load the common attributes of all resources (RFC 7643 section 3.1)."""
    return _compile_attributes(load_document("common"))


@cache
def load_user_type() -> ResourceType:
    """Load the resource type ``User`` with its core and enterprise schemas (RFC 7643 sections 4.1 and 4.3)."""
    return ResourceType(
        name="User",
        endpoint="/Users",
        description="User Account",
        schema=Schema.from_document(load_document("user")),
        extensions=(Schema.from_document(load_document("enterprise-user")),),
        # Identity providers send passwords, but users do not sign in to this service.
        discarded_attributes=(
            Attribute("password", DataType.STRING, mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER),
        ),
    )
