"""Values that no schema describes: responses hide them, and writes preserve them."""

from typing import Any

import pytest

from scim.protocol.schema import load_user_type
from scim.protocol.stored_values.nonconforming import hide_nonconforming, preserve_unwritable
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE

URN = "urn:example:User"
GONE = "urn:example:Gone"
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


def resource(**members: Any) -> dict[str, Any]:
    """A canonical resource, whose ``schemas`` list what is in it."""
    extensions = [name for name in (ENTERPRISE, URN, GONE) if name in members]
    return {"schemas": [CORE, *extensions], "userName": "alice", **members}


def in_extension(**members: Any) -> dict[str, Any]:
    return resource(**{URN: members} if members else {})


@pytest.mark.parametrize(
    ("stored", "served"),
    [
        (resource(), resource()),
        (resource(**{ENTERPRISE: {"department": "X"}}), resource(**{ENTERPRISE: {"department": "X"}})),
        (resource(**{GONE: {"a": 1}}), resource()),
        (resource(**{ENTERPRISE: {"department": "X"}, GONE: 1}), resource(**{ENTERPRISE: {"department": "X"}})),
        (in_extension(a="x", gone=1), in_extension(a="x")),
        (in_extension(gone=1), resource()),
        (in_extension(a=1), resource()),
        (resource(**{URN: "x"}), resource()),
        (in_extension(A="x", a="y"), in_extension(a="y")),
        (in_extension(desk={"value": "x", "gone": 1}), in_extension(desk={"value": "x"})),
    ],
)
def test_nonconforming_values_are_hidden(stored: dict[str, Any], served: dict[str, Any]) -> None:
    assert hide_nonconforming(stored, TYPE) == served
    assert list(hide_nonconforming(stored, TYPE)) == list(served)


@pytest.mark.parametrize(
    ("stored", "written", "preserved"),
    [
        (resource(), in_extension(a="x"), in_extension(a="x")),
        (resource(**{GONE: {"a": 1}}), resource(), resource(**{GONE: {"a": 1}})),
        (resource(**{GONE: {"a": 1}}), in_extension(a="x"), resource(**{URN: {"a": "x"}, GONE: {"a": 1}})),
        (in_extension(a="x"), resource(), resource()),
        (in_extension(a="x", gone=1), in_extension(a="y"), in_extension(a="y", gone=1)),
        (in_extension(a="x", gone=1), resource(), in_extension(gone=1)),
        # of another type: preserved until the attribute is written
        (in_extension(a=1), resource(), in_extension(a=1)),
        (in_extension(a=1), in_extension(a="y"), in_extension(a="y")),
        (in_extension(tags=["x", 1]), in_extension(tags=["x"]), in_extension(tags=["x", 1])),
        (in_extension(tags=["x", 1]), in_extension(tags=["y"]), in_extension(tags=["y", 1])),
        (in_extension(tags=["x", 1]), resource(), in_extension(tags=[1])),
        (in_extension(tags="x"), in_extension(tags=["y"]), in_extension(tags=["y"])),
        (in_extension(desk="x"), in_extension(desk={"value": "y"}), in_extension(desk={"value": "y"})),
        # readOnly values are served, and a client cannot change them
        (in_extension(seal="s"), resource(), in_extension(seal="s")),
        (in_extension(desk={"value": "x", "seal": "s"}), resource(), in_extension(desk={"seal": "s"})),
        (
            in_extension(desk={"value": "x", "seal": "s", "gone": 1}),
            in_extension(desk={"value": "y"}),
            in_extension(desk={"value": "y", "seal": "s", "gone": 1}),
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
    """An element has no identity: it is the one that is equal, else the one that has most in common with it."""
    stored = in_extension(items=[{"value": "a", "type": "w", "gone": "1"}, {"value": "b", "type": "w", "gone": "2"}])
    after = preserve_unwritable(stored, in_extension(items=written), TYPE)
    assert [element.get("gone") for element in after[URN]["items"]] == preserved
    assert hide_nonconforming(after, TYPE)[URN]["items"] == written


def test_hidden_elements_are_preserved() -> None:
    stored = in_extension(items=[{"gone": 1}, "x", {"value": "a"}])
    assert preserve_unwritable(stored, resource(), TYPE) == in_extension(items=[{"gone": 1}, "x"])


@pytest.mark.parametrize("kind", ["w", ""])
def test_large_lists_are_fast(kind: str) -> None:
    """As many elements as a document of 350,000 bytes can have, all of them replaced by others of the same type or not.

    Each stored element has a value that a client can not write.
    """
    names = [f"a{number}" for number in range(16)]
    attributes = [{"name": name, "type": "complex", "multiValued": True, "subAttributes": SUBS} for name in names]
    resource_type = load_user_type().with_extensions([{"id": URN, "attributes": attributes}])
    same = {"type": kind} if kind else {}
    stored = [{"value": f"a{number}", **same, "seal": "s"} for number in range(500)]
    written = [{"value": f"b{number}", **same} for number in range(500)]
    stored_user, written_user = (in_extension(**dict.fromkeys(names, elements)) for elements in (stored, written))
    after = check_cpu_units(lambda: preserve_unwritable(stored_user, written_user, resource_type), 150)
    assert [element.get("seal") for element in after[URN]["a0"]] == ["s" if kind else None] * 500


def test_hidden_values_in_large_lists_are_preserved() -> None:
    """Many others resemble it, and only one has its ``value``."""
    stored = [{"value": str(number), "type": "w", "seal": str(number)} for number in range(500)]
    written = [{"value": str(number), "type": "h"} for number in reversed(range(500))]
    after = preserve_unwritable(in_extension(items=stored), in_extension(items=written), TYPE)
    assert [element["seal"] for element in after[URN]["items"]] == [element["value"] for element in written]


SEALED = [{"value": "a", "seal": "1"}, {"seal": "2"}, {"value": "a", "seal": "3"}]


@pytest.mark.parametrize(
    ("written", "preserved"),
    [
        ([{"value": "a"}, {"value": "a"}], SEALED),  # what was read is sent back by a PUT
        (SEALED, SEALED),  # a PATCH of something else
        ([{"value": "b"}], [{"value": "b"}, {"seal": "2"}]),
        ([{"seal": "2"}, {"value": "a", "seal": "3"}], [{"value": "a", "seal": "3"}, {"seal": "2"}]),  # a PATCH
        ([{"value": "a", "seal": "1"}, {"seal": "2"}, {"value": "c", "seal": "3"}], None),
    ],
)
def test_read_only_elements_are_preserved(
    written: list[dict[str, Any]], preserved: list[dict[str, Any]] | None
) -> None:
    """A client cannot write them, so a PUT without them does not remove them."""
    after = preserve_unwritable(in_extension(items=SEALED), in_extension(items=written), TYPE)
    expected = (
        [{"value": "a", "seal": "1"}, {"value": "c", "seal": "3"}, {"seal": "2"}] if preserved is None else preserved
    )
    assert after[URN]["items"] == expected


def test_put_without_attribute_preserves_read_only_values() -> None:
    preserved = preserve_unwritable(in_extension(items=SEALED), resource(), TYPE)
    assert preserved == in_extension(items=[{"seal": "2"}])
