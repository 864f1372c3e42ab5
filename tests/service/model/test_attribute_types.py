"""The types of custom attributes, which are kept after a schema is removed."""

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


def build_schema(*attributes: dict[str, Any], urn: str = URN) -> dict[str, Any]:
    return {"id": urn, "attributes": list(attributes)}


def build_attribute(name: str = "a", type_: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_} | more


def test_types_have_the_structure_of_values() -> None:
    documents = [
        build_schema(
            build_attribute(),
            build_attribute("b", "integer", multiValued=True),
            build_attribute("c", "complex", subAttributes=DESK),
            build_attribute("d", "complex", subAttributes=DESK[:1], multiValued=True),
        )
    ]
    assert extract_types(documents) == {
        URN: {"a": "string", "b": ["integer"], "c": {"room": "string", "floor": "integer"}, "d": [{"room": "string"}]}
    }


def test_types_are_never_removed() -> None:
    types = merge_types(
        {}, [build_schema(build_attribute("c", "complex", subAttributes=DESK[:1])), build_schema(urn="urn:x:y")]
    )
    types = merge_types(
        types, [build_schema(build_attribute("c", "complex", subAttributes=DESK[1:]), build_attribute("b"))]
    )
    assert types == {URN: {"c": {"room": "string", "floor": "integer"}, "b": "string"}, "urn:x:y": {}}
    assert merge_types(types, []) == types


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (build_attribute("a", "integer"), f"The type of {URN}:a cannot change from string to integer"),
        (build_attribute("a", multiValued=True), "to string, multi-valued"),
        (build_attribute("a", "complex", subAttributes=DESK), "to complex"),
        (build_attribute("c"), "from complex to string"),
        (
            build_attribute("c", "complex", subAttributes=[build_attribute("room", "integer")]),
            f"The type of {URN}:c.room",
        ),
        (build_attribute("c", "complex", subAttributes=[build_attribute("Room")]), "Use the name room"),
        (build_attribute("A"), "The attribute A had the name a before"),
    ],
)
def test_change_of_type_is_rejected(changed: dict[str, Any], reason: str) -> None:
    types = merge_types({}, [build_schema(build_attribute(), build_attribute("c", "complex", subAttributes=DESK))])
    with pytest.raises(ValueError, match=reason):
        merge_types(types, [build_schema(changed)])


def test_format_and_limits_can_change() -> None:
    types = merge_types({}, [build_schema(build_attribute(maxLength=5, required=True))])
    assert merge_types(types, [build_schema(build_attribute(format="date", mutability="readOnly"))]) == types


def test_number_of_types_is_limited() -> None:
    """A tenant at the limit can still use its existing attributes and change its other settings."""
    types: Any = {}
    documents = [
        build_schema(*(build_attribute(f"{'x' * 90}{n}") for n in range(100)), urn=f"urn:x:{m}") for m in range(10)
    ]
    for document in documents[:9]:
        types = merge_types(types, [document])
    with pytest.raises(ValueError, match=f"more than {MAX_BYTES:,} bytes. Reuse the names of removed attributes"):
        merge_types(types, documents[9:])
    assert merge_types(types, documents[:9]) == types


def test_reduced_schemas() -> None:
    whole, other = build_schema(build_attribute(), build_attribute("b")), build_schema(build_attribute(), urn="urn:x:y")
    types = merge_types({}, [whole, other])
    assert find_reduced_schemas(types, [whole, other]) == frozenset()
    assert find_reduced_schemas(types, [build_schema(build_attribute()), other]) == {URN}
    (resource_type,) = Tenant(
        "acme", custom_schemas=[build_schema(build_attribute()), other], attribute_types=types
    ).resource_types
    assert resource_type.urns_returned_whole.isdisjoint({URN})
    assert "urn:x:y" in resource_type.urns_returned_whole


def test_removed_attributes_are_listed() -> None:
    types = merge_types(
        {},
        [
            build_schema(
                build_attribute(),
                build_attribute("c", "complex", subAttributes=DESK),
                build_attribute("t", multiValued=True),
            ),
            build_schema(build_attribute(), urn="urn:x:y"),
        ],
    )
    served = [build_schema(build_attribute(), build_attribute("c", "complex", subAttributes=DESK[:1]))]
    assert list_removed_attributes(types, served) == [
        (URN, "c.floor", "integer"),
        (URN, "t", "string, multi-valued"),
        ("urn:x:y", "a", "string"),
    ]
    assert list_removed_attributes(types, []) == [
        (URN, "a", "string"),
        (URN, "c", "complex"),
        (URN, "t", "string, multi-valued"),
        ("urn:x:y", "a", "string"),
    ]
