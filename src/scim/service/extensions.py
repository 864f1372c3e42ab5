"""A tenant's own attributes: schema documents that extend its users.

They are RFC 7643 section 7 documents. Beyond it an attribute may say ``maxLength`` and ``format``: what a customer's
HR system has, and SCIM has no types for. Discovery shows the documents without these two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scim.protocol.schema import Format, Schema, Type, user_type

_MAX_ATTRIBUTES = 100

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]{0,99}$")]
Text = Annotated[str, Field(max_length=1_000)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Characteristics(_Document):
    """What an attribute and a sub-attribute have in common; what is left out has the defaults of section 2.2."""

    name: Name
    type: Type
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
        if (self.format or self.maxLength) and self.type is not Type.STRING:
            raise ValueError("only a string can have a format or a maxLength")
        return self


class _SubAttribute(_Characteristics):
    name: Annotated[str, Field(pattern=r"^(\$ref|[A-Za-z][A-Za-z0-9 _-]{0,99})$")]
    type: Literal[  # complex attributes are not nested (section 2.3.8)
        Type.STRING, Type.BOOLEAN, Type.DECIMAL, Type.INTEGER, Type.DATE_TIME, Type.BINARY, Type.REFERENCE
    ]

    multiValued: Literal[False] = False


class _Attribute(_Characteristics):
    subAttributes: list[_SubAttribute] = []

    @model_validator(mode="after")
    def _check_sub_attributes(self) -> Self:
        if (self.type is Type.COMPLEX) != bool(self.subAttributes):
            raise ValueError("a complex attribute has subAttributes, and no other has")
        _check_names(self.subAttributes)
        return self


class _Extension(_Document):
    schemas: list[str] = []
    id: str = Field(
        max_length=150,
        pattern=r"^[Uu][Rr][Nn]:[A-Za-z0-9][A-Za-z0-9-]{0,31}(:[A-Za-z0-9][A-Za-z0-9._-]*)+$",
    )
    name: Text = ""
    description: Text = ""
    attributes: list[_Attribute] = Field(min_length=1, max_length=_MAX_ATTRIBUTES)

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        _check_names(self.attributes)
        return self


def read_extensions(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The documents, checked. Raises ``ValueError`` that says where one is wrong and why."""
    try:
        extensions = [_Extension.model_validate(document) for document in documents]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"The schema is wrong at {where or 'its top'}: {first['msg']}.") from None
    urns = [extension.id.lower() for extension in extensions]
    taken = {schema.id.lower() for schema in user_type().schemas}
    if len(set(urns)) < len(urns) or taken & set(urns):
        raise ValueError("Each schema needs an id that no other one has.")
    return [extension.model_dump(mode="json", exclude_unset=True) for extension in extensions]


def added(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All documents, where new ones take the place of those with the same id. Raises as :func:`read_extensions`."""
    documents = read_extensions(new)
    ids = {document["id"].lower() for document in documents}
    return [*(document for document in old if document["id"].lower() not in ids), *documents]


def kind(attribute: Mapping[str, Any]) -> str:
    """What values an attribute of a document has, in words."""
    limits = [f"at most {attribute['maxLength']} characters"] if attribute.get("maxLength") else []
    many = ["multi-valued"] if attribute.get("multiValued") else []
    return ", ".join([attribute.get("format") or attribute["type"], *many, *limits])


def check_compatible(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``ValueError`` if an attribute that users may have values of would take another shape."""
    shapes = {(urn, name): shape for urn, name, shape in _shapes(old)}
    for urn, name, shape in _shapes(new):
        if shapes.get((urn, name), shape) != shape:
            raise ValueError(f"{name} has another type than before, and users may have it: give it another name.")


def _shapes(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, object]]:
    """Each attribute by its schema and name, with what its stored values look like."""
    for document in documents:
        for attribute in Schema.of(document).attributes.values():
            subs = {name: sub.type for name, sub in attribute.sub_attributes.items()}
            yield document["id"].lower(), attribute.name.lower(), (attribute.type, attribute.multi_valued, subs)


def _check_names(attributes: Sequence[_Characteristics]) -> None:
    names = [attribute.name.lower() for attribute in attributes]
    if len(set(names)) < len(names):
        raise ValueError("two attributes have the same name, or differ only in case")
