"""Stored values that no schema describes: responses hide them, and writes preserve them."""

from typing import Any

import pytest

from scim.protocol.schema import load_user_type
from scim.protocol.stored_values.nonconforming import hide_nonconforming, preserve_unwritable
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE

URN = "urn:example:User"
REMOVED = "urn:example:Removed"
SUBS = [
    {"name": "value", "type": "string"},
    {"name": "type", "type": "string"},
    {"name": "seal", "type": "string", "mutability": "readOnly"},
]
TYPE = load_user_type().with_extensions(
    [
        {
            "id": URN,
            "attributes": [
                {"name": "a", "type": "string"},
                {"name": "tags", "type": "string", "multiValued": True},
                {"name": "seal", "type": "string", "mutability": "readOnly"},
                {"name": "desk", "type": "complex", "subAttributes": SUBS},
                {"name": "items", "type": "complex", "multiValued": True, "subAttributes": SUBS},
            ],
        }
    ]
)


def build_resource(**members: Any) -> dict[str, Any]:
    """Return a canonical resource with the ``schemas`` of its members."""
    extensions = [name for name in (ENTERPRISE, URN, REMOVED) if name in members]
    return {"schemas": [CORE, *extensions], "userName": "alice", **members}


def build_extended(**members: Any) -> dict[str, Any]:
    return build_resource(**{URN: members} if members else {})


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (build_resource(), build_resource()),
        (build_resource(**{ENTERPRISE: {"department": "X"}}), build_resource(**{ENTERPRISE: {"department": "X"}})),
        (build_resource(**{REMOVED: {"a": 1}}), build_resource()),
        (
            build_resource(**{ENTERPRISE: {"department": "X"}, REMOVED: 1}),
            build_resource(**{ENTERPRISE: {"department": "X"}}),
        ),
        (build_extended(a="x", removed=1), build_extended(a="x")),
        (build_extended(removed=1), build_resource()),
        (build_extended(a=1), build_resource()),
        (build_resource(**{URN: "x"}), build_resource()),
        (build_extended(A="x", a="y"), build_extended(a="y")),
        (build_extended(desk={"value": "x", "removed": 1}), build_extended(desk={"value": "x"})),
    ],
)
def test_nonconforming_values_are_hidden(stored: dict[str, Any], expected: dict[str, Any]) -> None:
    assert hide_nonconforming(stored, TYPE) == expected
    assert list(hide_nonconforming(stored, TYPE)) == list(expected)


@pytest.mark.parametrize(
    ("stored", "written", "preserved"),
    [
        (build_resource(), build_extended(a="x"), build_extended(a="x")),
        (build_resource(**{REMOVED: {"a": 1}}), build_resource(), build_resource(**{REMOVED: {"a": 1}})),
        (
            build_resource(**{REMOVED: {"a": 1}}),
            build_extended(a="x"),
            build_resource(**{URN: {"a": "x"}, REMOVED: {"a": 1}}),
        ),
        (build_extended(a="x"), build_resource(), build_resource()),
        (build_extended(a="x", removed=1), build_extended(a="y"), build_extended(a="y", removed=1)),
        (build_extended(a="x", removed=1), build_resource(), build_extended(removed=1)),
        # values of another type are preserved until the attribute is written
        (build_extended(a=1), build_resource(), build_extended(a=1)),
        (build_extended(a=1), build_extended(a="y"), build_extended(a="y")),
        (build_extended(tags=["x", 1]), build_extended(tags=["x"]), build_extended(tags=["x", 1])),
        (build_extended(tags=["x", 1]), build_extended(tags=["y"]), build_extended(tags=["y", 1])),
        (build_extended(tags=["x", 1]), build_resource(), build_extended(tags=[1])),
        (build_extended(tags="x"), build_extended(tags=["y"]), build_extended(tags=["y"])),
        (build_extended(desk="x"), build_extended(desk={"value": "y"}), build_extended(desk={"value": "y"})),
        # readOnly values are returned, and a client cannot change them
        (build_extended(seal="s"), build_resource(), build_extended(seal="s")),
        (build_extended(desk={"value": "x", "seal": "s"}), build_resource(), build_extended(desk={"seal": "s"})),
        (
            build_extended(desk={"value": "x", "seal": "s", "removed": 1}),
            build_extended(desk={"value": "y"}),
            build_extended(desk={"value": "y", "seal": "s", "removed": 1}),
        ),
    ],
)
def test_nonconforming_values_are_preserved(
    stored: dict[str, Any], written: dict[str, Any], preserved: dict[str, Any]
) -> None:
    assert preserve_unwritable(stored, written, TYPE) == preserved


@pytest.mark.parametrize(
    ("written", "preserved"),
    [
        ([{"value": "b", "type": "w"}, {"value": "a", "type": "w"}], ["2", "1"]),
        ([{"value": "a", "type": "h"}, {"value": "b", "type": "w"}], ["1", "2"]),
        ([{"value": "c", "type": "w"}, {"value": "b", "type": "w"}], ["1", "2"]),
        ([{"value": "b", "type": "h"}], ["2"]),
        ([{"value": "c"}], [None]),
        ([{"value": "a", "type": "w"}, {"value": "a", "type": "w"}], ["1", "2"]),
    ],
)
def test_hidden_values_of_elements_are_preserved(written: list[dict[str, Any]], preserved: list[str | None]) -> None:
    """Elements have no id. An element replaces the equal stored element, or else the most similar one."""
    stored = build_extended(
        items=[{"value": "a", "type": "w", "removed": "1"}, {"value": "b", "type": "w", "removed": "2"}]
    )
    after = preserve_unwritable(stored, build_extended(items=written), TYPE)
    assert [element.get("removed") for element in after[URN]["items"]] == preserved
    assert hide_nonconforming(after, TYPE)[URN]["items"] == written


def test_hidden_elements_are_preserved() -> None:
    stored = build_extended(items=[{"removed": 1}, "x", {"value": "a"}])
    assert preserve_unwritable(stored, build_resource(), TYPE) == build_extended(items=[{"removed": 1}, "x"])


@pytest.mark.parametrize("kind", ["w", ""])
def test_large_lists_are_fast(kind: str) -> None:
    """A document of 340,000 bytes can have about this many elements. A write replaces all of them.

    Each stored element has a value that a client cannot write.
    """
    names = [f"a{number}" for number in range(16)]
    attributes = [{"name": name, "type": "complex", "multiValued": True, "subAttributes": SUBS} for name in names]
    resource_type = load_user_type().with_extensions([{"id": URN, "attributes": attributes}])
    same = {"type": kind} if kind else {}
    stored = [{"value": f"a{number}", **same, "seal": "s"} for number in range(500)]
    written = [{"value": f"b{number}", **same} for number in range(500)]
    stored_user, written_user = (build_extended(**dict.fromkeys(names, elements)) for elements in (stored, written))
    after = check_cpu_units(lambda: preserve_unwritable(stored_user, written_user, resource_type), 150)
    assert [element.get("seal") for element in after[URN]["a0"]] == ["s" if kind else None] * 500


def test_hidden_values_in_large_lists_are_preserved() -> None:
    """All elements are similar. Only one has the same ``value``."""
    stored = [{"value": str(number), "type": "w", "seal": str(number)} for number in range(500)]
    written = [{"value": str(number), "type": "h"} for number in reversed(range(500))]
    after = preserve_unwritable(build_extended(items=stored), build_extended(items=written), TYPE)
    assert [element["seal"] for element in after[URN]["items"]] == [element["value"] for element in written]


STORED = [{"value": "a", "seal": "1"}, {"seal": "2"}, {"value": "a", "seal": "3"}]


@pytest.mark.parametrize(
    ("written", "preserved"),
    [
        ([{"value": "a"}, {"value": "a"}], STORED),  # a PUT with the values that were read
        (STORED, STORED),  # a PATCH of another attribute
        ([{"value": "b"}], [{"value": "b"}, {"seal": "2"}]),
        ([{"seal": "2"}, {"value": "a", "seal": "3"}], [{"value": "a", "seal": "3"}, {"seal": "2"}]),  # a PATCH
        ([{"value": "a", "seal": "1"}, {"seal": "2"}, {"value": "c", "seal": "3"}], None),
    ],
)
def test_read_only_elements_are_preserved(
    written: list[dict[str, Any]], preserved: list[dict[str, Any]] | None
) -> None:
    """A client cannot write them, so a PUT without them does not remove them."""
    after = preserve_unwritable(build_extended(items=STORED), build_extended(items=written), TYPE)
    expected = (
        [{"value": "a", "seal": "1"}, {"value": "c", "seal": "3"}, {"seal": "2"}] if preserved is None else preserved
    )
    assert after[URN]["items"] == expected


def test_put_without_attribute_preserves_read_only_values() -> None:
    preserved = preserve_unwritable(build_extended(items=STORED), build_resource(), TYPE)
    assert preserved == build_extended(items=[{"seal": "2"}])
