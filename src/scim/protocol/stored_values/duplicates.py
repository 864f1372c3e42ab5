"""Merge duplicates in the multi-valued attributes of a POST or PUT, and check that at most one element is primary.

PATCH does the same for each of its operations (:mod:`scim.protocol.patch.patch_values`).
"""

from __future__ import annotations

from scim.protocol.resource import Resource, pair_by_schema
from scim.protocol.schema import ResourceType
from scim.protocol.values.elements import check_primary, merge_duplicates


def merge_sent_duplicates(before: Resource, after: Resource, resource_type: ResourceType) -> None:
    """Merge the duplicates in ``after``, in place. Those that ``before`` has too are kept.

    ``before`` is empty for a new resource. Raise :class:`InvalidValue` if several elements are primary.
    """
    for schema, old, new in pair_by_schema(before, after, resource_type):
        for name, elements in new.items():
            if elements.__class__ is list and len(elements) > 1 and name != "schemas":  # the server sets schemas
                attribute = schema.attributes[name.lower()]
                elements[:] = merge_duplicates(attribute, elements, old.get(name, ()))
                if attribute.is_complex:
                    check_primary(attribute, elements)
