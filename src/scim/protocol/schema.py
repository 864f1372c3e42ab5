"""Schemas as data: RFC 7643 section 7 documents compiled into what the protocol asks of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
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
"""The Python classes of the values of a type, as JSON is read; only for types whose class alone decides."""


class Format(StrEnum):
    """What a string of a tenant's own schema holds; SCIM has no types for these."""

    DATE = "date"
    """A day, as ISO 8601 writes it: ``2026-01-31``; a time may come along, which does not count."""
    EMPLOYEE = "employee"
    """Another user, by email or userName, who need not have arrived yet."""


class Mutability(StrEnum):
    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute's characteristics (RFC 7643 section 7); ``sub_attributes`` by lower-case name."""

    name: str
    type: DataType
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    unique: bool = False
    max_length: int | None = None
    format: Format | None = None
    reference_types: tuple[str, ...] = ()
    sub_attributes: Mapping[str, Attribute] = field(default_factory=dict)
    # What is asked for every value that is read, worked out once.
    is_read_only: bool = field(init=False)
    is_immutable: bool = field(init=False)
    is_write_only: bool = field(init=False)
    is_complex: bool = field(init=False)
    is_plain_string: bool = field(init=False)
    """Whether any string is a value of it, and kept as it is."""
    value_class: object = field(init=False)
    """The class whose instances are its values; ``None`` if the class alone does not decide."""
    required_sub_attributes: tuple[Attribute, ...] = field(init=False)
    """The sub-attributes that a value must have."""
    immutable_sub_attributes: tuple[Attribute, ...] = field(init=False)
    """The immutable sub-attributes."""
    has_read_only_sub_attributes: bool = field(init=False)
    """Whether a sub-attribute is readOnly."""

    def __post_init__(self) -> None:
        text = self.type in (DataType.STRING, DataType.REFERENCE) and not self.multi_valued
        kept = self.mutability is not Mutability.WRITE_ONLY
        object.__setattr__(self, "is_read_only", self.mutability is Mutability.READ_ONLY)
        object.__setattr__(self, "is_immutable", self.mutability is Mutability.IMMUTABLE)
        object.__setattr__(self, "is_write_only", not kept)
        object.__setattr__(self, "is_complex", self.type is DataType.COMPLEX)
        object.__setattr__(self, "is_plain_string", text and kept and self.max_length is None and self.format is None)
        object.__setattr__(self, "value_class", None if self.multi_valued else PYTHON_CLASSES.get(self.type))
        object.__setattr__(self, "required_sub_attributes", _required(self.sub_attributes))
        members = self.sub_attributes.values()
        object.__setattr__(self, "immutable_sub_attributes", tuple(each for each in members if each.is_immutable))
        object.__setattr__(self, "has_read_only_sub_attributes", any(each.is_read_only for each in members))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Attribute:
        """Compile one attribute of a schema document; what it leaves out has the defaults of section 2.2."""
        return cls(
            name=document["name"],
            type=DataType(document["type"]),
            multi_valued=document.get("multiValued", False),
            required=document.get("required", False),
            # References and binaries are always compared exactly (sections 2.3.6 and 2.3.7).
            case_exact=document.get("caseExact", False) or document["type"] in (DataType.REFERENCE, DataType.BINARY),
            mutability=Mutability(document.get("mutability", Mutability.READ_WRITE)),
            returned=Returned(document.get("returned", Returned.DEFAULT)),
            unique=document.get("uniqueness", "none") != "none",
            max_length=document.get("maxLength"),
            format=Format(document["format"]) if "format" in document else None,
            reference_types=tuple(document.get("referenceTypes", ())),
            sub_attributes=_by_name(document.get("subAttributes", ())),
        )

    def find_sub_attribute(self, name: str) -> Attribute | None:
        return self.sub_attributes.get(name.lower())

    def refers_to(self, resource_type: str) -> bool:
        """Whether its values name resources of that type: beside a ``$ref`` to them, or as employees."""
        ref, value = self.find_sub_attribute("$ref"), self.find_sub_attribute("value")
        if self.is_read_only:
            return False
        if value is None:
            return self.format is Format.EMPLOYEE
        return value.format is Format.EMPLOYEE or (ref is not None and resource_type in ref.reference_types)


def _required(attributes: Mapping[str, Attribute]) -> tuple[Attribute, ...]:
    return tuple(each for each in attributes.values() if each.required and not each.is_read_only)


def _by_name(documents: Iterable[Mapping[str, Any]]) -> dict[str, Attribute]:
    return {document["name"].lower(): Attribute.from_document(document) for document in documents}


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema: its URN, its attributes by lower-case name, and the document that discovery shows."""

    id: str
    attributes: Mapping[str, Attribute]
    document: Mapping[str, Any]
    required_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that clients must send."""
    immutable_attributes: tuple[Attribute, ...] = field(init=False)
    """The attributes that are immutable or have an immutable sub-attribute, without those that are readOnly."""
    value_classes: Mapping[str, object] = field(init=False)
    """By the name of each simple attribute the class of its values, if that alone decides."""
    tracked_names: tuple[str, ...] = field(init=False)
    """The names of the attributes that changes are told of: all but the service's own."""

    def __post_init__(self) -> None:
        names = tuple(each.name for each in self.attributes.values() if each.name not in ("id", "meta", "schemas"))
        object.__setattr__(self, "tracked_names", names)
        classes = {each.name: each.value_class for each in self.attributes.values() if each.value_class is not None}
        object.__setattr__(self, "value_classes", classes)
        object.__setattr__(self, "required_attributes", _required(self.attributes))
        writable = (each for each in self.attributes.values() if not each.is_read_only)
        immutable = tuple(each for each in writable if each.is_immutable or each.immutable_sub_attributes)
        object.__setattr__(self, "immutable_attributes", immutable)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Schema:
        return cls(document["id"], _by_name(document["attributes"]), document)

    def find_attribute(self, name: str) -> Attribute | None:
        return self.attributes.get(name.lower())


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource: where it is served and which schemas it is made of (RFC 7643 section 6)."""

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    discarded_attributes: tuple[Attribute, ...] = ()
    """writeOnly attributes that are accepted and checked but neither kept nor announced."""
    custom_urns: frozenset[str] = frozenset()
    """The URNs of a tenant's own extensions. They may have been different when a value was stored."""
    partly_served_urns: frozenset[str] = frozenset()
    """The URNs of custom extensions from which attributes were removed that users may still have."""
    core: Schema = field(init=False)
    """The schema with the common attributes (``id``, ``externalId``, ``meta``, ``schemas``) and the discarded ones."""
    schemas: tuple[Schema, ...] = field(init=False)
    """The core and the extensions."""
    urns: frozenset[str] = field(init=False)
    """Those of the schemas, in lower case."""
    extensions_by_id: Mapping[str, Schema] = field(init=False)
    """The extensions by their URN as it is stored."""
    standard_urns: frozenset[str] = field(init=False)
    """The URNs of the extensions that the standard defines. All their stored values are served."""
    fully_served_urns: frozenset[str] = field(init=False)
    """The URNs of the schemas whose stored values are all served."""
    unique_attribute: Attribute = field(init=False)
    """The attribute that names a resource uniquely in its tenant."""
    is_returned_whole: bool = field(init=False)
    """Whether a resource is shown whole to those who do not say what they want."""
    references: tuple[tuple[Schema, Attribute], ...] = field(init=False)
    """The attributes whose values name other resources of this type, each with its schema."""
    names_with_spaces: tuple[str, ...] = field(init=False)
    """The qualified names that hold a space, in lower case: no grammar finds their end without knowing them.

    Of two that begin alike the longer one comes first.
    """

    def __post_init__(self) -> None:
        discarded_attributes = {attribute.name.lower(): attribute for attribute in self.discarded_attributes}
        attributes = {**_common_attributes(), **self.schema.attributes, **discarded_attributes}
        core = Schema(self.schema.id, attributes, self.schema.document)
        (unique,) = (each for each in self.schema.attributes.values() if each.unique)
        spaced = [f"{each.id.lower()}:{name}" for each in self.extensions for name in _spaced_names(each)]
        object.__setattr__(self, "core", core)
        object.__setattr__(self, "schemas", (core, *self.extensions))
        object.__setattr__(self, "urns", frozenset(each.id.lower() for each in (core, *self.extensions)))
        by_id = {each.id: each for each in self.extensions}
        object.__setattr__(self, "extensions_by_id", by_id)
        object.__setattr__(self, "standard_urns", frozenset(by_id) - self.custom_urns)
        object.__setattr__(self, "fully_served_urns", frozenset((core.id, *by_id)) - self.partly_served_urns)
        object.__setattr__(self, "unique_attribute", unique)
        object.__setattr__(self, "is_returned_whole", not any(map(_is_hidden, (core, *self.extensions))))
        object.__setattr__(self, "references", tuple(self._references()))
        object.__setattr__(self, "names_with_spaces", tuple(sorted(spaced, key=len, reverse=True)))

    def _references(self) -> Iterator[tuple[Schema, Attribute]]:
        for schema in self.schemas:
            yield from ((schema, each) for each in schema.attributes.values() if each.refers_to(self.name))

    def find_extension(self, urn: str) -> Schema | None:
        """The extension with this URN, whatever its case (RFC 7643 section 10.2.1: URNs have none)."""
        return next((each for each in self.extensions if each.id.lower() == urn.lower()), None)

    def with_extensions(
        self, documents: Iterable[Mapping[str, Any]], partly_served_urns: frozenset[str] = frozenset()
    ) -> ResourceType:
        """Return the same type with further extensions, given as schema documents."""
        added = tuple(map(Schema.from_document, documents))
        return replace(
            self,
            extensions=self.extensions + added,
            custom_urns=self.custom_urns.union(schema.id for schema in added),
            partly_served_urns=partly_served_urns,
        )


def _spaced_names(schema: Schema) -> Iterator[str]:
    """Yield the names of the attributes with a space in their name, alone and with each sub-attribute."""
    for name, attribute in schema.attributes.items():
        if " " in name:
            yield name
            yield from (f"{name}.{sub_name}" for sub_name in attribute.sub_attributes)


def _is_hidden(schema: Schema) -> bool:
    """Whether a schema has attributes that are shown on request or never."""
    kept = [attribute for attribute in schema.attributes.values() if not attribute.is_write_only]
    members = [*kept, *(each for attribute in kept for each in attribute.sub_attributes.values())]
    return any(each.returned in (Returned.NEVER, Returned.REQUEST) for each in members)


def load_document(name: str) -> Any:
    """A JSON document of the folder ``schemas``."""
    return json.loads((_DOCUMENTS / f"{name}.json").read_text("utf-8"))


def strip_non_standard(document: Any) -> Any:
    """A schema document without what we know of attributes beyond the RFC, which strict clients refuse."""
    if isinstance(document, list):
        return [strip_non_standard(each) for each in document]
    if isinstance(document, Mapping):
        beyond = ("maxLength", "format")
        return {name: strip_non_standard(each) for name, each in document.items() if name not in beyond}
    return document


@cache
def _common_attributes() -> dict[str, Attribute]:
    return _by_name(load_document("common"))


@cache
def load_user_type() -> ResourceType:
    """The resource type User: core and enterprise schema (RFC 7643 sections 4.1 and 4.3)."""
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
