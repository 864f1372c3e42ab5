"""The types of all custom attributes that a tenant has ever had.

Users keep the values of a custom attribute that is removed. So the tenant's settings contain the type of every
attribute that was ever served, by the URN of its schema and by its name. A type is JSON that looks like the values:

- ``"string"`` for a simple attribute;
- ``["string"]`` for a multi-valued attribute;
- ``{"value": "string"}`` for a complex attribute;
- ``[{"value": "string"}]`` for a complex multi-valued attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scim.service.model.stored_resource import encode_json

MAX_BYTES = 100_000
"""The maximum size of a tenant's types as JSON: about 2,000 attributes. The settings are one item of at most 400 KB."""

AttributeType = str | list[Any] | Mapping[str, str]
AttributeTypes = Mapping[str, Mapping[str, AttributeType]]
"""Types by the URN of the schema and by the name of the attribute."""


def extract_types(documents: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, AttributeType]]:
    """Return the types of all attributes in schema documents, by URN and name."""
    return {
        document["id"]: {attribute["name"]: _extract_type(attribute) for attribute in document["attributes"]}
        for document in documents
    }


def merge_types(known: AttributeTypes, documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, AttributeType]]:
    """Return the known types together with the types of schema documents.

    Raise ``ValueError`` if users may have values that do not match the documents, or if the types exceed
    :data:`MAX_BYTES`.
    """
    merged = {urn: dict(types) for urn, types in known.items()}
    for urn, new_types in extract_types(documents).items():
        _check_spelling("The schema", urn, merged)
        types = merged.setdefault(urn, {})
        for name, new_type in new_types.items():
            _check_spelling("The attribute", name, types)
            types[name] = _merge_type(f"{urn}:{name}", types.get(name, new_type), new_type)
    if merged != known and len(encode_json(merged).encode()) > MAX_BYTES:
        raise ValueError(
            f"The names and types of all custom attributes that this customer has or had take more than {MAX_BYTES:,} "
            "bytes. Reuse the names of removed attributes, because users may still have their values."
        )
    return merged


def find_reduced_schemas(known: AttributeTypes, documents: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the URNs of the schema documents that lack attributes or sub-attributes of which users may have values."""
    return frozenset(urn for urn, types in extract_types(documents).items() if known.get(urn, types) != types)


def list_removed_attributes(
    known: AttributeTypes, documents: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return the removed attributes and sub-attributes, each as URN, name and description of its type."""
    served = extract_types(documents)
    return [
        (urn, path, type_name)
        for urn, types in known.items()
        for name, attribute_type in types.items()
        for path, type_name in _list_removed(name, attribute_type, served.get(urn, {}).get(name))
    ]


def _list_removed(name: str, attribute_type: AttributeType, served: AttributeType | None) -> Iterable[tuple[str, str]]:
    """Return the attribute if it was removed, else its sub-attributes that were removed."""
    if served is None:
        return [(name, describe_type(attribute_type))]
    served_members = _get_member_types(served)
    return [
        (f"{name}.{member}", member_type)
        for member, member_type in _get_member_types(attribute_type).items()
        if member not in served_members
    ]


def describe_type(attribute_type: AttributeType) -> str:
    """Return a description of a type, such as ``string, multi-valued``."""
    element = _get_element_type(attribute_type)
    name = element if isinstance(element, str) else "complex"
    return f"{name}, multi-valued" if isinstance(attribute_type, list) else name


def _get_element_type(attribute_type: AttributeType) -> Any:
    return attribute_type[0] if isinstance(attribute_type, list) else attribute_type


def _get_member_types(attribute_type: AttributeType) -> Mapping[str, str]:
    """Return the types of the sub-attributes, empty for a simple attribute."""
    element = _get_element_type(attribute_type)
    return element if isinstance(element, Mapping) else {}


def _extract_type(attribute: Mapping[str, Any]) -> AttributeType:
    members = {sub["name"]: sub["type"] for sub in attribute.get("subAttributes", ())}
    element = members or attribute["type"]
    return [element] if attribute.get("multiValued") else element


def _merge_type(path: str, old: AttributeType, new: AttributeType) -> AttributeType:
    """Return the type that covers the values of both types. ``path`` is the attribute, for error messages.

    Raise ``ValueError`` if the types differ.
    """
    if describe_type(old) != describe_type(new):
        raise _build_conflict_error(path, describe_type(old), describe_type(new))
    if not _get_member_types(new):
        return new
    members = dict(_get_member_types(old))
    for name, member_type in _get_member_types(new).items():
        _check_spelling(f"The sub-attribute of {path}", name, members)
        if members.setdefault(name, member_type) != member_type:
            raise _build_conflict_error(f"{path}.{name}", members[name], member_type)
    return [members] if isinstance(new, list) else members


def _build_conflict_error(path: str, old: str, new: str) -> ValueError:
    return ValueError(
        f"The type of {path} cannot change from {old} to {new}, because users may still have values of the old type. "
        "This also applies if the attribute was removed. Give the new attribute another name."
    )


def _check_spelling(label: str, name: str, known: Iterable[str]) -> None:
    """Raise ``ValueError`` if the name is known in another case, since values are stored under the known spelling."""
    other = next((spelling for spelling in known if spelling.lower() == name.lower()), name)
    if other != name:
        raise ValueError(
            f"{label} {name} had the name {other} before, and users may still have values of it. Use the name {other}."
        )
