"""Insert ``$ref`` values into the JSON of a stored document, without parsing the document.

A document is stored without the ``$ref`` values of its links. The position of each ``$ref`` is computed when the link
is created, and is stored with the link. So a page of resources can be rendered by joining strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from scim.protocol.references import Reference
from scim.protocol.resource import Resource
from scim.service.model.stored_resource import encode_json

_MARKER = ',"$ref":null}'
"""A text that occurs nowhere else in a document: no stored value is null, and quotes in strings are escaped."""


def find_ref_position(resource: Resource, reference: Reference) -> int | None:
    """Return the position at which to insert the ``$ref`` of a reference into the JSON of its resource, in characters.

    Return ``None`` if the reference cannot have a ``$ref`` (:attr:`Reference.can_add_ref`).
    """
    if not reference.can_add_ref:
        return None
    return encode_json(reference.replace_in(resource, _add_null_ref)).index(_MARKER)


def insert_refs(document: str, refs: Iterable[tuple[int, str]]) -> str:
    """Return the document with ``$ref`` values inserted. ``refs`` are pairs of position and URL, in any order."""
    parts, end = [], 0
    for position, url in sorted(refs, key=itemgetter(0)):
        parts += [document[end:position], f',"$ref":{encode_json(url)}']
        end = position
    return "".join([*parts, document[end:]])


def _add_null_ref(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "$ref": None}
