"""Validate the custom schemas of a tenant: schema documents (RFC 7643 section 7) that extend its users.

An attribute may also have ``maxLength`` and ``format``, which SCIM does not define. They describe the values of a
customer's HR system. The discovery endpoints omit both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scim.protocol.filter.ast import ComparisonOperator
from scim.protocol.schema import DataType, StringFormat, load_user_type
from scim.service.model.stored_resource import encode_json

_MAX_ATTRIBUTES = 100
MAX_BYTES = 200_000
"""The maximum size of a tenant's schema documents as JSON. All settings are one item of at most 400 KB."""
MAX_NAME_BYTES = 30_000
"""The maximum size of the names of a tenant's custom attributes, each with its URN.

A change record contains the names of the changed attributes, and is an item of at most 400 KB.
"""

_NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*")
_SUB_ATTRIBUTE_NAME_PATTERN = re.compile(r"\$ref|[A-Za-z][A-Za-z0-9_-]*")
_URN_PATTERN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,31}(?::[a-z0-9][a-z0-9._-]*)+", re.IGNORECASE)
_COMMON_ATTRIBUTES = frozenset({"id", "externalid", "meta", "schemas"})
_SCIM_URN_PREFIX = "urn:ietf:params:scim:"
_SCIM_EXTENSION_URN_PREFIX = f"{_SCIM_URN_PREFIX}schemas:extension:"
_FILTER_OPERATORS = frozenset({*ComparisonOperator, "pr"})


def _check_attribute_name(name: str) -> str:
    if not _NAME_PATTERN.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a valid attribute name: a name starts with a letter, and has only letters, digits, "
            "hyphens, underscores, and single spaces between words"
        )
    if name.lower() in _COMMON_ATTRIBUTES:
        raise ValueError(f"{name} is an attribute of every SCIM resource: choose another name")
    return name


def _check_sub_attribute_name(name: str) -> str:
    """Return the name. Raise ``ValueError`` if it cannot be used in a path: after a dot or in a value filter."""
    if not _SUB_ATTRIBUTE_NAME_PATTERN.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a valid sub-attribute name: a name is $ref, or starts with a letter and has only "
            "letters, digits, hyphens and underscores"
        )
    return name


def _check_urn(urn: str) -> str:
    if not _URN_PATTERN.fullmatch(urn):
        raise ValueError(f"{urn!r} is not a URN such as urn:example:params:scim:schemas:acme:2.0:User")
    if urn.lower().startswith(_SCIM_URN_PREFIX) and not urn.lower().startswith(_SCIM_EXTENSION_URN_PREFIX):
        raise ValueError(
            f"{urn} is reserved for SCIM: choose a URN that starts with {_SCIM_EXTENSION_URN_PREFIX}, or your own URN"
        )
    return urn


AttributeName = Annotated[str, Field(max_length=100), AfterValidator(_check_attribute_name)]
SubAttributeName = Annotated[str, Field(max_length=100), AfterValidator(_check_sub_attribute_name)]
Urn = Annotated[str, Field(max_length=150), AfterValidator(_check_urn)]
LimitedText = Annotated[str, Field(max_length=1_000)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Characteristics(_Document):
    """The characteristics of an attribute or sub-attribute. RFC 7643 sections 2.2 and 7 define names and defaults."""

    name: AttributeName
    type: DataType
    multiValued: bool = False
    description: LimitedText = ""
    required: bool = False
    caseExact: bool = False
    canonicalValues: list[LimitedText] = []
    mutability: Literal["readWrite", "immutable", "readOnly"] = "readWrite"
    returned: Literal["always", "default", "request"] = "default"
    uniqueness: Literal["none"] = "none"
    referenceTypes: list[LimitedText] = []
    maxLength: int | None = Field(default=None, ge=1, le=10_000)
    format: StringFormat | None = None

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        if (self.format or self.maxLength) and self.type is not DataType.STRING:
            raise ValueError("only an attribute of type string can have a format or a maxLength")
        return self


class _SubAttribute(_Characteristics):
    name: SubAttributeName
    type: Literal[  # complex attributes are not nested (section 2.3.8)
        DataType.STRING,
        DataType.BOOLEAN,
        DataType.DECIMAL,
        DataType.INTEGER,
        DataType.DATE_TIME,
        DataType.BINARY,
        DataType.REFERENCE,
    ]

    multiValued: Literal[False] = False


class _CustomAttribute(_Characteristics):
    subAttributes: list[_SubAttribute] = []

    @model_validator(mode="after")
    def _check_sub_attributes(self) -> Self:
        if (self.type is DataType.COMPLEX) != bool(self.subAttributes):
            raise ValueError("a complex attribute needs subAttributes, and attributes of other types cannot have them")
        _check_unambiguous_names(self.subAttributes)
        return self


class _SchemaDocument(_Document):
    schemas: list[str] = []
    id: Urn
    name: LimitedText = ""
    description: LimitedText = ""
    attributes: list[_CustomAttribute] = Field(min_length=1, max_length=_MAX_ATTRIBUTES)

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        _check_unambiguous_names(self.attributes)
        return self


def parse_schemas(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Validate schema documents, and return them. Raise ``ValueError``, which names the position and the reason."""
    try:
        schemas = [_SchemaDocument.model_validate(document) for document in documents]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"The schema is invalid at {where or 'the top level'}: {reason}.") from None
    _check_schema_ids([schema.id for schema in schemas])
    parsed = [schema.model_dump(mode="json", exclude_unset=True) for schema in schemas]
    if len(encode_json(parsed).encode()) > MAX_BYTES:
        raise ValueError(
            f"The schemas of this customer have more than {MAX_BYTES:,} bytes in total. Shorten the descriptions, or "
            "remove attributes."
        )
    names = [f"{schema.id}:{attribute.name}" for schema in schemas for attribute in schema.attributes]
    if sum(map(len, names)) > MAX_NAME_BYTES:
        raise ValueError(
            f"The names of this customer's custom attributes, each with the id of its schema, have more than "
            f"{MAX_NAME_BYTES:,} bytes in total. Choose shorter ids, or remove attributes."
        )
    return parsed


def _check_schema_ids(ids: Sequence[str]) -> None:
    """Raise ``ValueError`` if two schemas have the same id, or a path could begin with the ids of two schemas."""
    standard = [schema.id for schema in load_user_type().schemas]
    if len({urn.lower() for urn in (*standard, *ids)}) < len(standard) + len(ids):
        raise ValueError("Each schema needs a unique id.")
    for longer, prefix in permutations((*standard, *ids), 2):
        if longer.lower().startswith((f"{prefix.lower()}:", f"{prefix.lower()}.")):
            raise ValueError(
                f"The id {longer} starts with the id of another schema, {prefix}. A path would be ambiguous. Choose "
                "another id."
            )


def merge_schemas(
    old_documents: Sequence[Mapping[str, Any]], new_documents: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the old and the new documents. A new document replaces an old one with the same id.

    Raise the errors of :func:`parse_schemas`.
    """
    documents = parse_schemas(new_documents)
    ids = {document["id"].lower() for document in documents}
    return [*(document for document in old_documents if document["id"].lower() not in ids), *documents]


def describe_attribute(attribute: Mapping[str, Any]) -> str:
    """Return a description of the type of an attribute in a schema document, with its format and limits."""
    limits = [f"at most {attribute['maxLength']} characters"] if attribute.get("maxLength") else []
    plurality = ["multi-valued"] if attribute.get("multiValued") else []
    return ", ".join([attribute.get("format") or attribute["type"], *plurality, *limits])


def _check_unambiguous_names(attributes: Sequence[_Characteristics]) -> None:
    """Raise ``ValueError`` if two names differ only in case, or if a filter could be read in two ways."""
    names = {attribute.name.lower() for attribute in attributes}
    if len(names) < len(attributes):
        raise ValueError("two attributes have the same name, or names that differ only in case")
    for name in names:
        words = name.split(" ")
        for number, word in enumerate(words[1:], 1):
            if word in _FILTER_OPERATORS and " ".join(words[:number]) in names:
                raise ValueError(
                    f"in a filter, {name!r} cannot be distinguished from {' '.join(words[:number])!r} with the "
                    f"operator {word}: choose another name"
                )
