"""The shapes of a tenant's custom attributes, remembered for as long as users may have values of them.

A shape is JSON, and looks like the values that it stands for: ``"string"``, ``["string"]`` for several values,
``{"value": "string"}`` for a complex attribute, ``[{"value": "string"}]`` for several of these. The settings hold the
shape of every attribute that was ever served, by the URN of its schema and by its name: removing an attribute keeps the
values that users have of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scim.service.stored import encode

MAX_BYTES = 100_000
"""Of all remembered shapes of a tenant as JSON: some 2,000 attributes. The settings are one item of at most 400 KB."""

Shape = str | list[Any] | Mapping[str, str]
Shapes = Mapping[str, Mapping[str, Shape]]


def shapes_of(documents: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Shape]]:
    """Return the shapes of all attributes of schema documents."""
    return {
        document["id"]: {attribute["name"]: _shape(attribute) for attribute in document["attributes"]}
        for document in documents
    }


def remember(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Shape]]:
    """Return the known shapes together with those of the documents.

    Raises ``ValueError`` if users may have values that do not fit the documents, or if there is no more room.
    """
    merged = {urn: dict(attributes) for urn, attributes in known.items()}
    for urn, attributes in shapes_of(documents).items():
        _check_spelling("The schema", urn, merged)
        there = merged.setdefault(urn, {})
        for name, shape in attributes.items():
            _check_spelling("The attribute", name, there)
            there[name] = _merge(f"{urn}:{name}", there.get(name, shape), shape)
    if merged != known and len(encode(merged).encode()) > MAX_BYTES:
        raise ValueError(
            f"The names and types of all custom attributes that this customer ever had take more than {MAX_BYTES} "
            "bytes. Use the name of an earlier attribute again: users may still have values of each of them."
        )
    return merged


def partly_served(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the URNs of those documents of which users may have attributes that are not served."""
    return frozenset(
        urn for urn, attributes in shapes_of(documents).items() if known.get(urn, attributes) != attributes
    )


def removed(known: Shapes, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the attributes and sub-attributes that were removed: the URN, the name and the type in words."""
    served = shapes_of(documents)
    return [
        (urn, name, kind)
        for urn, attributes in known.items()
        for attribute, shape in attributes.items()
        for name, kind in _missing(attribute, shape, served.get(urn, {}).get(attribute))
    ]


def _missing(name: str, shape: Shape, served: Shape | None) -> Iterable[tuple[str, str]]:
    if served is None:
        return [(name, describe(shape))]
    there = _members(served)
    return [(f"{name}.{sub}", kind) for sub, kind in _members(shape).items() if sub not in there]


def describe(shape: Shape) -> str:
    """Return a shape in words."""
    element = shape[0] if isinstance(shape, list) else shape
    kind = element if isinstance(element, str) else "complex"
    return f"{kind}, multi-valued" if isinstance(shape, list) else kind


def _shape(attribute: Mapping[str, Any]) -> Shape:
    members = {each["name"]: each["type"] for each in attribute.get("subAttributes", ())}
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
        raise ValueError(_changed(path, describe(old), describe(new)))
    if not _members(new):
        return new
    members = dict(_members(old))
    for name, kind in _members(new).items():
        _check_spelling(f"The sub-attribute of {path}", name, members)
        if members.setdefault(name, kind) != kind:
            raise ValueError(_changed(f"{path}.{name}", members[name], kind))
    return [members] if isinstance(new, list) else members


def _changed(path: str, old: str, new: str) -> str:
    return (
        f"{path} has another type than before: it was {old} and would be {new}. Users may still have values of the "
        "earlier type, even if the attribute was removed meanwhile: give the new attribute another name."
    )


def _check_spelling(what: str, name: str, known: Iterable[str]) -> None:
    """Raise ``ValueError`` if the name is known in another case: values are stored under the one that is known."""
    other = next((each for each in known if each.lower() == name.lower()), name)
    if other != name:
        raise ValueError(f"{what} {name} was called {other} before, and users may have values of it: write {other}.")
