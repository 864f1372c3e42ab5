"""A tenant's own attributes: schema documents that extend its users.

They are RFC 7643 section 7 documents. Beyond it an attribute may say ``maxLength`` and ``format``: what a customer's
HR system has, and SCIM has no types for. Discovery shows the documents without these two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scim.protocol.filter.ast import ComparisonOperator
from scim.protocol.schema import DataType, Format, load_user_type
from scim.service.model.stored_resource import encode_json

_MAX_ATTRIBUTES = 100
MAX_BYTES = 200_000
"""Of all schema documents of a tenant as JSON: with what else the settings hold they are one item of at most 400 KB."""
MAX_NAME_BYTES = 30_000
"""Of the names of all attributes of a tenant, each with its URN: a change record names those that changed, besides the
identifiers of the user, and is an item of at most 400 KB."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*")
_SUB_NAME = re.compile(r"\$ref|[A-Za-z][A-Za-z0-9_-]*")
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,31}(?::[a-z0-9][a-z0-9._-]*)+", re.IGNORECASE)
_COMMON = frozenset({"id", "externalid", "meta", "schemas"})
_IETF = "urn:ietf:params:scim:"
_OPEN_TO_ALL = f"{_IETF}schemas:extension:"
_OPERATORS = frozenset({*ComparisonOperator, "pr"})


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not an attribute name: a name begins with a letter and consists of letters, digits, hyphens "
            "and underscores, with single spaces between words"
        )
    if name.lower() in _COMMON:
        raise ValueError(f"{name} is an attribute that every resource has: choose another name")
    return name


def _check_sub_name(name: str) -> str:
    """Raise ``ValueError`` for a name that can not be written in the brackets of a filter or after a dot."""
    if not _SUB_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a sub-attribute name: a name begins with a letter and consists of letters, digits, "
            "hyphens and underscores, without spaces; $ref is the only exception"
        )
    return name


def _check_urn(urn: str) -> str:
    if not _URN.fullmatch(urn):
        raise ValueError(f"{urn!r} is not a URN: write one such as urn:example:params:scim:schemas:acme:2.0:User")
    if urn.lower().startswith(_IETF) and not urn.lower().startswith(_OPEN_TO_ALL):
        raise ValueError(f"{urn} is reserved for SCIM itself: begin with {_OPEN_TO_ALL} or with a URN of your own")
    return urn


Name = Annotated[str, Field(max_length=100), AfterValidator(_check_name)]
SubName = Annotated[str, Field(max_length=100), AfterValidator(_check_sub_name)]
Urn = Annotated[str, Field(max_length=150), AfterValidator(_check_urn)]
Text = Annotated[str, Field(max_length=1_000)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Characteristics(_Document):
    """What an attribute and a sub-attribute have in common; what is left out has the defaults of section 2.2."""

    name: Name
    type: DataType
    multiValued: bool = False
    description: Text = ""
    required: bool = False
    caseExact: bool = False
    canonicalValues: list[Text] = []
    mutability: Literal["readWrite", "immutable", "readOnly"] = "readWrite"
    returned: Literal["always", "default", "request"] = "default"
    uniqueness: Literal["none"] = "none"
    referenceTypes: list[Text] = []
    maxLength: int | None = Field(default=None, ge=1, le=10_000)
    format: Format | None = None

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        if (self.format or self.maxLength) and self.type is not DataType.STRING:
            raise ValueError("only a string can have a format or a maxLength")
        return self


class _SubAttribute(_Characteristics):
    name: SubName
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


class _Attribute(_Characteristics):
    subAttributes: list[_SubAttribute] = []

    @model_validator(mode="after")
    def _check_sub_attributes(self) -> Self:
        if (self.type is DataType.COMPLEX) != bool(self.subAttributes):
            raise ValueError("a complex attribute has subAttributes, and no other has")
        _check_names(self.subAttributes)
        return self


class _Extension(_Document):
    schemas: list[str] = []
    id: Urn
    name: Text = ""
    description: Text = ""
    attributes: list[_Attribute] = Field(min_length=1, max_length=_MAX_ATTRIBUTES)

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        _check_names(self.attributes)
        return self


def read_extensions(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the documents, checked. Raise ``ValueError`` that says where one is wrong and why."""
    try:
        extensions = [_Extension.model_validate(document) for document in documents]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"The schema is wrong at {where or 'its top'}: {reason}.") from None
    _check_ids([extension.id for extension in extensions])
    checked = [extension.model_dump(mode="json", exclude_unset=True) for extension in extensions]
    if len(encode_json(checked).encode()) > MAX_BYTES:
        raise ValueError(
            f"The schemas of this customer have more than {MAX_BYTES} bytes in all: shorten the descriptions, or "
            "remove attributes."
        )
    names = [f"{extension.id}:{attribute.name}" for extension in extensions for attribute in extension.attributes]
    if sum(map(len, names)) > MAX_NAME_BYTES:
        raise ValueError(
            f"The names of this customer's custom attributes, each with the id of its schema, have more than "
            f"{MAX_NAME_BYTES} bytes in all: choose shorter ids, or remove attributes."
        )
    return checked


def _check_ids(ids: Sequence[str]) -> None:
    """Raise ``ValueError`` unless every path to an attribute begins with the id of one schema only."""
    standard = [schema.id for schema in load_user_type().schemas]
    if len({each.lower() for each in (*standard, *ids)}) < len(standard) + len(ids):
        raise ValueError("Each schema needs an id that no other one has.")
    for lower, upper in permutations((*standard, *ids), 2):
        if lower.lower().startswith((f"{upper.lower()}:", f"{upper.lower()}.")):
            raise ValueError(
                f"The id {lower} begins with the id of another schema, {upper}: a path could mean an attribute of "
                "either. Choose an id of its own."
            )


def merge_documents(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return all documents, with the new ones in the place of those with the same id.

    Raises as :func:`read_extensions`.
    """
    documents = read_extensions(new)
    ids = {document["id"].lower() for document in documents}
    return [*(document for document in old if document["id"].lower() not in ids), *documents]


def describe_type(attribute: Mapping[str, Any]) -> str:
    """What values an attribute of a document has, in words."""
    limits = [f"at most {attribute['maxLength']} characters"] if attribute.get("maxLength") else []
    many = ["multi-valued"] if attribute.get("multiValued") else []
    return ", ".join([attribute.get("format") or attribute["type"], *many, *limits])


def _check_names(attributes: Sequence[_Characteristics]) -> None:
    names = {attribute.name.lower() for attribute in attributes}
    if len(names) < len(attributes):
        raise ValueError("two attributes have the same name, or differ only in case")
    for name in names:
        words = name.split(" ")
        for number, word in enumerate(words[1:], 1):
            if word in _OPERATORS and " ".join(words[:number]) in names:
                raise ValueError(
                    f"a filter can not tell {name!r} from {' '.join(words[:number])!r} and the operator {word}: choose "
                    "another name"
                )
