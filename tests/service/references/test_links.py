"""Links beside a document: how they are kept, carried on and shown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.schema import load_user_type
from scim.service.model.resolved_references import ResolvedReference, ResolvedReferences
from scim.service.model.stored_resource import StoredResource
from scim.service.references import links
from scim.service.resources.rendering import ResourceRenderer
from tests.endpoint import CORE, ENTERPRISE, SURVEY
from tests.service.fakes import BASE_URL, NOW

EXTENSION = json.loads((Path(__file__).parents[3] / "examples/extensions/employee.json").read_text())
TYPE = load_user_type().with_extensions([EXTENSION])
MANAGER = f"{ENTERPRISE}:manager"
SOMEBODY = "00000000-0000-4000-8000-00000000000b"
SHOWING = ResourceRenderer(TYPE, BASE_URL)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda each: each.strip())


def user(members: Mapping[str, Any], version: int = 1) -> StoredResource:
    schemas = [CORE, *(name for name in members if name.startswith("urn:"))]
    return StoredResource.from_resource(
        {"schemas": schemas, "id": "u", "userName": "alice", **members}, version, NOW, NOW, NOW
    )


def linked(stored: StoredResource, **targets: str) -> StoredResource:
    """Linked to the ids that the targets give for values."""
    stored.links = ResolvedReferences(1, links.resolve_links(stored, TYPE, lambda _, value: targets.get(value))).text
    return stored


@given(title=texts, manager=texts, mentor=texts, buddy=texts)
def test_what_is_shown_is_the_document_with_a_ref_in_each_place(
    title: str, manager: str, mentor: str, buddy: str
) -> None:
    """Whatever the values are: quotes, braces, what looks like the mark of a place, characters of any width."""
    members: dict[str, Any] = {
        "title": title,
        ENTERPRISE: {"manager": {"value": manager}, "department": title},
        SURVEY: {"Mentor": mentor, "Buddy": {"value": buddy}},
    }
    stored = user(members)
    stored.links = ResolvedReferences(1, links.resolve_links(stored, TYPE, lambda _, value: f"id of {value}")).text
    shown = json.loads(SHOWING.text()(stored))
    assert shown == SHOWING.resource(stored)
    assert shown.pop("meta")["version"] == 'W/"1"'
    assert shown[ENTERPRISE]["manager"].pop("$ref") == SHOWING.location(f"id of {manager}")
    assert shown[SURVEY]["Buddy"].pop("$ref") == SHOWING.location(f"id of {buddy}")
    assert shown == stored.resource


def test_the_mark_of_a_place_in_a_value_is_not_taken_for_one() -> None:
    stored = linked(user({"title": ',"$ref":null}', ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    assert SHOWING.resource(stored)[ENTERPRISE]["manager"] == {"value": "boss", "$ref": f"{BASE_URL}/Users/b"}
    assert SHOWING.resource(stored)["title"] == ',"$ref":null}'


@given(
    st.integers(0, 9), st.lists(st.builds(ResolvedReference, texts, texts, texts, st.none() | st.integers(0, 9_999)))
)
def test_links_are_read_as_they_were_written(number: int, found: list[ResolvedReference]) -> None:
    assert ResolvedReferences.read(ResolvedReferences(number, tuple(found)).text) == ResolvedReferences(
        number, tuple(found)
    )


def test_who_never_had_links_has_none_written_and_who_had_keeps_the_number() -> None:
    assert ResolvedReferences().text == ""
    assert ResolvedReferences(2).text == "[2]"


def test_the_next_version_keeps_the_links_of_the_references_that_it_keeps_and_the_others_without_a_place() -> None:
    mentor = {SURVEY: {"Buddy": {"value": "m"}}}
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}, **mentor}), boss="b", m="n")
    kept = {ENTERPRISE: {"manager": {"value": "boss"}}, SURVEY: {"Buddy": {"value": "x"}}}
    after = user({"title": "a longer document", **kept}, 2)
    links.carry_over_links(before, after, TYPE, {})
    found = ResolvedReferences.read(after.links)
    assert found.number == 0
    assert [(each.attribute, each.id, each.place is None) for each in found.links] == [
        (MANAGER, "b", False),
        (f"{SURVEY}:Buddy", "n", True),
    ]
    shown = SHOWING.resource(after)
    assert shown[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/b"
    assert shown[SURVEY] == {"Buddy": {"value": "x"}}


def test_a_value_that_comes_back_has_its_link_and_place_again() -> None:
    first = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    second, third = user({}, 2), user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 3)
    links.carry_over_links(first, second, TYPE, {})
    links.carry_over_links(second, third, TYPE, {})
    assert SHOWING.resource(third)[ENTERPRISE]["manager"] == {"value": "boss", "$ref": f"{BASE_URL}/Users/b"}


def test_the_same_value_of_another_attribute_takes_no_link_over() -> None:
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = user({SURVEY: {"Buddy": {"value": "boss"}}}, 2)
    links.carry_over_links(before, after, TYPE, {})
    assert SHOWING.resource(after)[SURVEY] == {"Buddy": {"value": "boss"}}


def test_a_ref_to_a_user_of_ours_is_a_claim_and_any_other_is_content() -> None:
    sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": f"{BASE_URL}/Users/{SOMEBODY}"}}}
    assert links.extract_client_refs(sent, TYPE, BASE_URL) == (
        {ENTERPRISE: {"manager": {"value": "x"}}},
        {(MANAGER, "x"): SOMEBODY},
    )
    for own in (f"../Users/{SOMEBODY}", f"https://hr.example.com/Users/{SOMEBODY}", f"{BASE_URL}/Users/b", ""):
        sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": own}}}
        assert links.extract_client_refs(sent, TYPE, BASE_URL) == (sent, {})


def test_a_claim_is_shown_at_once_and_is_not_told_yet() -> None:
    created = user({ENTERPRISE: {"manager": {"value": "x"}}})
    links.carry_over_links(None, created, TYPE, {(MANAGER, "x"): SOMEBODY})
    assert SHOWING.resource(created)[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/{SOMEBODY}"
    assert ResolvedReferences.read(created.links).told == []


def test_what_was_looked_up_outweighs_a_claim() -> None:
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 2)
    links.carry_over_links(before, after, TYPE, {(MANAGER, "boss"): SOMEBODY})
    assert [each.id for each in ResolvedReferences.read(after.links).links] == ["b"]


@pytest.mark.parametrize("own", ["", "../Users/b"])
@pytest.mark.parametrize("first", ["$ref", "value"])
def test_beside_a_ref_of_the_clients_there_is_no_place(own: str, first: str) -> None:
    manager = {"$ref": own, "value": "boss"} if first == "$ref" else {"value": "boss", "$ref": own}
    stored = linked(user({ENTERPRISE: {"manager": manager}}), boss="b")
    assert [(each.id, each.place) for each in ResolvedReferences.read(stored.links).links] == [("b", None)]
    assert SHOWING.resource(stored)[ENTERPRISE]["manager"] == manager


def test_what_changed_is_told_by_attribute() -> None:
    one, other = ResolvedReference("a", "x", "1", None), ResolvedReference("b", "y", "2", None)
    assert links.changed_attributes([one], [one, other]) == ["b"]
    assert links.changed_attributes([one, other], [ResolvedReference("a", "x", "3", None)]) == ["a", "b"]
    assert links.changed_attributes([one], [one]) == []


def test_reference_that_is_not_served_is_none() -> None:
    """Its link is shown no more, neither alone nor on a page; it is a reference again when its attribute comes back."""
    stored = linked(user({SURVEY: {"Buddy": {"value": "m"}, "Business Unit": "R&D"}}), m=SOMEBODY)
    without = EXTENSION | {"attributes": EXTENSION["attributes"][:1]}
    fewer = load_user_type().with_extensions([without], frozenset({SURVEY}))
    for hiding, shown in ((fewer, {"Business Unit": "R&D"}), (load_user_type(), None)):
        assert links.resolve_links(stored, hiding, lambda *_: SOMEBODY) == ()
        presentation = ResourceRenderer(hiding, BASE_URL)
        assert presentation.resource(stored).get(SURVEY) == shown
        assert json.loads(presentation.text()(stored)) == presentation.resource(stored)
    assert SHOWING.resource(stored)[SURVEY]["Buddy"]["$ref"] == f"{BASE_URL}/Users/{SOMEBODY}"


PEERS = "urn:example:peers"
NOW_COMPLEX = load_user_type().with_extensions(
    [
        {
            "id": PEERS,
            "attributes": [
                {
                    "name": "peer",
                    "type": "complex",
                    "subAttributes": [
                        {"name": "value", "type": "string"},
                        {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
                    ],
                }
            ],
        }
    ]
)


@pytest.mark.parametrize("held", ["boss", ["boss"], {"value": "boss", "$ref": 7}, {"value": ["boss"]}, [{"value": ""}]])
def test_value_of_an_earlier_shape_raises_nothing(held: Any) -> None:
    """It was stored before its attribute became complex."""
    stored, other = user({PEERS: {"peer": held}}), user({PEERS: {"peer": {"value": "boss"}}}, 2)
    found = links.resolve_links(stored, NOW_COMPLEX, lambda _, __: "b")
    assert [link.place for link in found] in ([], [None])
    links.extract_client_refs(stored.resource, NOW_COMPLEX, BASE_URL)
    links.carry_over_links(stored, other, NOW_COMPLEX, {})
    links.carry_over_links(other, stored, NOW_COMPLEX, {(f"{PEERS}:peer", "boss"): "b"})
    assert links.may_affect_links(stored, stored, NOW_COMPLEX) is bool(found)


MANAGED = {ENTERPRISE: {"manager": {"value": "boss"}}}


class TestChangesThatMayAffectLinks:
    """The change record tells, since the function behind the stream reads neither users nor settings."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (None, {}),
            ({}, None),
            ({}, {"userName": "bob"}),
            ({"externalId": "1"}, {"externalId": "2"}),
            ({"emails": [{"value": "a@x"}]}, {}),
            (MANAGED, {}),
            ({}, MANAGED),
            (MANAGED, {**MANAGED, "title": "Cook"}),
        ],
    )
    def test_new_identifiers_and_references_may(self, before: Any, after: Any) -> None:
        old, new = (each if each is None else user(each) for each in (before, after))
        assert links.may_affect_links(old, new, TYPE)

    def test_links_may(self) -> None:
        before, after = user({}), user({"title": "Cook"}, 2)
        before.links = ResolvedReferences(1, (ResolvedReference("manager", "a", "b", None),)).text
        assert links.may_affect_links(before, after, TYPE)

    @pytest.mark.parametrize("after", [{"title": "Cook"}, {"active": False}, {SURVEY: {"Business Unit": "Kitchen"}}])
    def test_other_attributes_may_not(self, after: Any) -> None:
        assert not links.may_affect_links(user({}), user(after, 2), TYPE)
