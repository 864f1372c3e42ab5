"""The shapes of a tenant's custom attributes, which its settings remember because users may have values of them.

A shape is JSON, and looks like the values that it describes: ``"string"``, ``["string"]`` for a multi-valued attribute,
``{"value": "string"}`` for a complex one, ``[{"value": "string"}]`` for both. The settings hold the shape of every
attribute that was ever served, by the URN of its schema and by its name: users keep the values of a removed attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scim.service.model.stored_resource import encode_json

MAX_BYTES = 100_000
"""The most that the shapes of a tenant take as JSON: some 2,000 attributes. The settings are one item of 400 KB."""

Shape = str | list[Any] | Mapping[str, str]
Shapes = Mapping[str, Mapping[str, Shape]]


def read_shapes(documents: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Shape]]:
    """Return the shapes of all attributes of schema documents."""
    return {
        document["id"]: {attribute["name"]: _shape(attribute) for attribute in document["attributes"]}
        for document in documents
    }


def remember_shapes(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Shape]]:
    """Return the known shapes together with those of the documents.

    Raises ``ValueError`` if users may have values that do not fit the documents, or if the shapes take too much room.
    """
    merged = {urn: dict(attributes) for urn, attributes in known.items()}
    for urn, attributes in read_shapes(documents).items():
        _check_spelling("The schema", urn, merged)
        shapes = merged.setdefault(urn, {})
        for name, shape in attributes.items():
            _check_spelling("The attribute", name, shapes)
            shapes[name] = _merge(f"{urn}:{name}", shapes.get(name, shape), shape)
    if merged != known and len(encode_json(merged).encode()) > MAX_BYTES:
        raise ValueError(
            f"The names and types of all custom attributes that this customer ever had take more than {MAX_BYTES} "
            "bytes. Use the name of an earlier attribute again: users may still have values of each of them."
        )
    return merged


def find_partly_served(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the URNs of the documents that lack attributes or sub-attributes that users may have."""
    return frozenset(
        urn for urn, attributes in read_shapes(documents).items() if known.get(urn, attributes) != attributes
    )


def list_removed(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the attributes and sub-attributes that were removed: the URN, the name and the type in words."""
    served = read_shapes(documents)
    return [
        (urn, name, kind)
        for urn, attributes in known.items()
        for attribute, shape in attributes.items()
        for name, kind in _list_missing(attribute, shape, served.get(urn, {}).get(attribute))
    ]


def _list_missing(name: str, shape: Shape, served: Shape | None) -> Iterable[tuple[str, str]]:
    if served is None:
        return [(name, describe(shape))]
    members = _members(served)
    return [(f"{name}.{sub}", kind) for sub, kind in _members(shape).items() if sub not in members]


def describe(shape: Shape) -> str:
    """Return a shape in words."""
    element = shape[0] if isinstance(shape, list) else shape
    kind = element if isinstance(element, str) else "complex"
    return f"{kind}, multi-valued" if isinstance(shape, list) else kind


def _shape(attribute: Mapping[str, Any]) -> Shape:
    members = {sub["name"]: sub["type"] for sub in attribute.get("subAttributes", ())}
    element = members or attribute["type"]
    return [element] if attribute.get("multiValued") else element


def _members(shape: Shape) -> Mapping[str, str]:
    """Return the types of the sub-attributes; none of a simple attribute."""
    element = shape[0] if isinstance(shape, list) else shape
    return element if isinstance(element, Mapping) else {}


def _merge(path: str, old: Shape, new: Shape) -> Shape:
    """Return the shape of all values that an attribute may have.

    Raises ``ValueError`` for two shapes that exclude each other.
    """
    if describe(old) != describe(new):
        raise _refusal(path, describe(old), describe(new))
    if not _members(new):
        return new
    members = dict(_members(old))
    for name, kind in _members(new).items():
        _check_spelling(f"The sub-attribute of {path}", name, members)
        if members.setdefault(name, kind) != kind:
            raise _refusal(f"{path}.{name}", members[name], kind)
    return [members] if isinstance(new, list) else members


def _refusal(path: str, old: str, new: str) -> ValueError:
    return ValueError(
        f"{path} has another type than before: it was {old} and would be {new}. Users may still have values of the "
        "earlier type, even if the attribute was removed meanwhile: give the new attribute another name."
    )


def _check_spelling(what: str, name: str, known: Iterable[str]) -> None:
    """Raise ``ValueError`` if the name is known in another case: values are stored under the known spelling."""
    other = next((spelling for spelling in known if spelling.lower() == name.lower()), name)
    if other != name:
        raise ValueError(f"{what} {name} was called {other} before, and users may have values of it: write {other}.")
