"""The types of custom attributes, remembered beyond the schemas that are served."""

from typing import Any

import pytest

from scim.service.model.attribute_types import (
    MAX_BYTES,
    extract_types,
    find_reduced_schemas,
    list_removed_attributes,
    merge_types,
)
from scim.service.model.tenant import Tenant

URN = "urn:example:User"
DESK = [{"name": "room", "type": "string"}, {"name": "floor", "type": "integer"}]


def schema(*attributes: dict[str, Any], urn: str = URN) -> dict[str, Any]:
    return {"id": urn, "attributes": list(attributes)}


def attribute(name: str = "a", type_: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_} | more


def test_types_look_like_values() -> None:
    documents = [
        schema(
            attribute(),
            attribute("b", "integer", multiValued=True),
            attribute("c", "complex", subAttributes=DESK),
            attribute("d", "complex", subAttributes=DESK[:1], multiValued=True),
        )
    ]
    assert extract_types(documents) == {
        URN: {"a": "string", "b": ["integer"], "c": {"room": "string", "floor": "integer"}, "d": [{"room": "string"}]}
    }


def test_types_only_grow() -> None:
    known = merge_types({}, [schema(attribute("c", "complex", subAttributes=DESK[:1])), schema(urn="urn:x:y")])
    known = merge_types(known, [schema(attribute("c", "complex", subAttributes=DESK[1:]), attribute("b"))])
    assert known == {URN: {"c": {"room": "string", "floor": "integer"}, "b": "string"}, "urn:x:y": {}}
    assert merge_types(known, []) == known


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (attribute("a", "integer"), f"The type of {URN}:a cannot change from string to integer"),
        (attribute("a", multiValued=True), "to string, multi-valued"),
        (attribute("a", "complex", subAttributes=DESK), "to complex"),
        (attribute("c"), "from complex to string"),
        (attribute("c", "complex", subAttributes=[attribute("room", "integer")]), f"The type of {URN}:c.room"),
        (attribute("c", "complex", subAttributes=[attribute("Room")]), "Use the name room"),
        (attribute("A"), "The attribute A had the name a before"),
    ],
)
def test_other_type_is_refused(changed: dict[str, Any], reason: str) -> None:
    known = merge_types({}, [schema(attribute(), attribute("c", "complex", subAttributes=DESK))])
    with pytest.raises(ValueError, match=reason):
        merge_types(known, [schema(changed)])


def test_format_and_limits_can_change() -> None:
    known = merge_types({}, [schema(attribute(maxLength=5, required=True))])
    assert merge_types(known, [schema(attribute(format="date", mutability="readOnly"))]) == known


def test_number_of_types_is_bounded() -> None:
    """A tenant that is at the bound can still use what it had, and change its other settings."""
    known: Any = {}
    documents = [schema(*(attribute(f"{'x' * 90}{n}") for n in range(100)), urn=f"urn:x:{m}") for m in range(10)]
    for document in documents[:9]:
        known = merge_types(known, [document])
    with pytest.raises(ValueError, match=f"more than {MAX_BYTES} bytes. Reuse the names of removed attributes"):
        merge_types(known, documents[9:])
    assert merge_types(known, documents[:9]) == known


def test_reduced_schemas() -> None:
    whole, other = schema(attribute(), attribute("b")), schema(attribute(), urn="urn:x:y")
    known = merge_types({}, [whole, other])
    assert find_reduced_schemas(known, [whole, other]) == frozenset()
    assert find_reduced_schemas(known, [schema(attribute()), other]) == {URN}
    (resource_type,) = Tenant("acme", custom_schemas=[schema(attribute()), other], attribute_types=known).resource_types
    assert resource_type.urns_returned_whole.isdisjoint({URN})
    assert "urn:x:y" in resource_type.urns_returned_whole


def test_removed_attributes_are_listed() -> None:
    known = merge_types(
        {},
        [
            schema(attribute(), attribute("c", "complex", subAttributes=DESK), attribute("t", multiValued=True)),
            schema(attribute(), urn="urn:x:y"),
        ],
    )
    served = [schema(attribute(), attribute("c", "complex", subAttributes=DESK[:1]))]
    assert list_removed_attributes(known, served) == [
        (URN, "c.floor", "integer"),
        (URN, "t", "string, multi-valued"),
        ("urn:x:y", "a", "string"),
    ]
    assert list_removed_attributes(known, []) == [
        (URN, "a", "string"),
        (URN, "c", "complex"),
        (URN, "t", "string, multi-valued"),
        ("urn:x:y", "a", "string"),
    ]
