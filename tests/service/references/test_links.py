"""The links of a user: how they are resolved, and carried over to its next version."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from scim.protocol.schema import load_user_type
from scim.service.model.links import Link, UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.references import links
from scim.service.resources.rendering import ResourceRenderer
from tests.endpoint import CORE, ENTERPRISE, SURVEY
from tests.service.fakes import BASE_URL, NOW

EXTENSION = json.loads((Path(__file__).parents[3] / "examples/extensions/employee.json").read_text())
TYPE = load_user_type().with_extensions([EXTENSION])
MANAGER = f"{ENTERPRISE}:manager"
SOMEBODY = "00000000-0000-4000-8000-00000000000b"
RENDERER = ResourceRenderer(TYPE, BASE_URL)


def user(members: Mapping[str, Any], version: int = 1) -> StoredResource:
    schemas = [CORE, *(name for name in members if name.startswith("urn:"))]
    return StoredResource.from_resource(
        {"schemas": schemas, "id": "u", "userName": "alice", **members}, version, NOW, NOW, NOW
    )


def carry_over(
    before: StoredResource | None, after: StoredResource, client_refs: links.ClientRefs = MappingProxyType({})
) -> StoredResource:
    """Return ``after`` with the links that it has as the next version of ``before``."""
    links_before = UserLinks.parse(before.links_json if before else "")
    return replace(after, links_json=links.carry_over_links(links_before, after.resource, TYPE, client_refs).to_json())


def linked(stored: StoredResource, **targets: str) -> StoredResource:
    """Linked to the ids that the targets give for values."""
    stored.links_json = UserLinks(
        1, links.resolve_links(stored.resource, TYPE, lambda _, value: targets.get(value))
    ).to_json()
    return stored


def test_next_version_carries_links_over() -> None:
    mentor = {SURVEY: {"Buddy": {"value": "m"}}}
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}, **mentor}), boss="b", m="n")
    reference_values = {ENTERPRISE: {"manager": {"value": "boss"}}, SURVEY: {"Buddy": {"value": "x"}}}
    after = user({"title": "a longer document", **reference_values}, 2)
    after = carry_over(before, after)
    references = UserLinks.parse(after.links_json)
    assert references.sequence == 0
    assert [(link.attribute, link.user_id, link.position is None) for link in references.links] == [
        (MANAGER, "b", False),
        (f"{SURVEY}:Buddy", "n", True),
    ]
    shown = RENDERER.render(after)
    assert shown[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/b"
    assert shown[SURVEY] == {"Buddy": {"value": "x"}}


def test_restored_value_has_its_link_again() -> None:
    first = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    second = carry_over(first, user({}, 2))
    third = carry_over(second, user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 3))
    assert RENDERER.render(third)[ENTERPRISE]["manager"] == {"value": "boss", "$ref": f"{BASE_URL}/Users/b"}


def test_links_are_carried_over_by_attribute() -> None:
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = carry_over(before, user({SURVEY: {"Buddy": {"value": "boss"}}}, 2))
    assert RENDERER.render(after)[SURVEY] == {"Buddy": {"value": "boss"}}


def test_only_a_ref_to_a_user_here_is_extracted() -> None:
    sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": f"{BASE_URL}/Users/{SOMEBODY}"}}}
    assert links.extract_client_refs(sent, TYPE, BASE_URL) == (
        {ENTERPRISE: {"manager": {"value": "x"}}},
        {(MANAGER, "x"): SOMEBODY},
    )
    for own in (f"../Users/{SOMEBODY}", f"https://hr.example.com/Users/{SOMEBODY}", f"{BASE_URL}/Users/b", ""):
        sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": own}}}
        assert links.extract_client_refs(sent, TYPE, BASE_URL) == (sent, {})


def test_client_ref_is_shown_and_not_published() -> None:
    created = carry_over(None, user({ENTERPRISE: {"manager": {"value": "x"}}}), {(MANAGER, "x"): SOMEBODY})
    assert RENDERER.render(created)[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/{SOMEBODY}"
    assert UserLinks.parse(created.links_json).published_links == []


def test_resolved_link_wins_over_client_ref() -> None:
    before = linked(user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 2)
    after = carry_over(before, after, {(MANAGER, "boss"): SOMEBODY})
    assert [link.user_id for link in UserLinks.parse(after.links_json).links] == ["b"]


@pytest.mark.parametrize("own", ["", "../Users/b"])
@pytest.mark.parametrize("first", ["$ref", "value"])
def test_value_with_a_ref_of_the_client_has_no_position(own: str, first: str) -> None:
    manager = {"$ref": own, "value": "boss"} if first == "$ref" else {"value": "boss", "$ref": own}
    stored = linked(user({ENTERPRISE: {"manager": manager}}), boss="b")
    assert [(link.user_id, link.position) for link in UserLinks.parse(stored.links_json).links] == [("b", None)]
    assert RENDERER.render(stored)[ENTERPRISE]["manager"] == manager


def test_changed_links_are_listed_by_attribute() -> None:
    one, other = Link("a", "x", "1", None), Link("b", "y", "2", None)
    assert links.list_changed_link_attributes([one], [one, other]) == ["b"]
    assert links.list_changed_link_attributes([one, other], [Link("a", "x", "3", None)]) == ["a", "b"]
    assert links.list_changed_link_attributes([one], [one]) == []


def test_value_that_is_not_served_is_no_reference() -> None:
    """Its link is shown no more, neither alone nor on a page; it is a reference again when its attribute comes back."""
    stored = linked(user({SURVEY: {"Buddy": {"value": "m"}, "Business Unit": "R&D"}}), m=SOMEBODY)
    without = EXTENSION | {"attributes": EXTENSION["attributes"][:1]}
    fewer = load_user_type().with_extensions([without], frozenset({SURVEY}))
    for hiding, shown in ((fewer, {"Business Unit": "R&D"}), (load_user_type(), None)):
        assert links.resolve_links(stored.resource, hiding, lambda *_: SOMEBODY) == ()
        renderer = ResourceRenderer(hiding, BASE_URL)
        assert renderer.render(stored).get(SURVEY) == shown
        assert json.loads(renderer.compile_json_renderer()(stored)) == renderer.render(stored)
    assert RENDERER.render(stored)[SURVEY]["Buddy"]["$ref"] == f"{BASE_URL}/Users/{SOMEBODY}"


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
def test_value_of_an_earlier_type_raises_nothing(held: Any) -> None:
    """It was stored before its attribute became complex."""
    stored, other = user({PEERS: {"peer": held}}), user({PEERS: {"peer": {"value": "boss"}}}, 2)
    references = links.resolve_links(stored.resource, NOW_COMPLEX, lambda _, __: "b")
    assert [link.position for link in references] in ([], [None])
    links.extract_client_refs(stored.resource, NOW_COMPLEX, BASE_URL)
    none = UserLinks()
    assert links.carry_over_links(none, other.resource, NOW_COMPLEX, {}) == none
    links.carry_over_links(none, stored.resource, NOW_COMPLEX, {(f"{PEERS}:peer", "boss"): "b"})
    assert links.may_affect_links(stored, stored, NOW_COMPLEX) is bool(references)


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
        old, new = (members if members is None else user(members) for members in (before, after))
        assert links.may_affect_links(old, new, TYPE)

    def test_links_may(self) -> None:
        before, after = user({}), user({"title": "Cook"}, 2)
        before.links_json = UserLinks(1, (Link("manager", "a", "b", None),)).to_json()
        assert links.may_affect_links(before, after, TYPE)

    @pytest.mark.parametrize("after", [{"title": "Cook"}, {"active": False}, {SURVEY: {"Business Unit": "Kitchen"}}])
    def test_other_attributes_may_not(self, after: Any) -> None:
        assert not links.may_affect_links(user({}), user(after, 2), TYPE)
