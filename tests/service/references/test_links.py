"""The links of a user: their resolution, and their transfer to its next version."""

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
USER_ID = "00000000-0000-4000-8000-00000000000b"
RENDERER = ResourceRenderer(TYPE, BASE_URL)


def build_user(members: Mapping[str, Any], version: int = 1) -> StoredResource:
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


def add_links(stored: StoredResource, **targets: str) -> StoredResource:
    """Link the user to the ids that ``targets`` has for its values."""
    stored.links_json = UserLinks(
        1, links.resolve_links(stored.resource, TYPE, lambda _, value: targets.get(value))
    ).to_json()
    return stored


def test_next_version_carries_links_over() -> None:
    mentor = {SURVEY: {"Buddy": {"value": "m"}}}
    before = add_links(build_user({ENTERPRISE: {"manager": {"value": "boss"}}, **mentor}), boss="b", m="n")
    reference_values = {ENTERPRISE: {"manager": {"value": "boss"}}, SURVEY: {"Buddy": {"value": "x"}}}
    after = build_user({"title": "a longer document", **reference_values}, 2)
    after = carry_over(before, after)
    references = UserLinks.parse(after.links_json)
    assert references.sequence == 0
    assert [(link.attribute, link.user_id, link.position is None) for link in references.links] == [
        (MANAGER, "b", False),
        (f"{SURVEY}:Buddy", "n", True),
    ]
    rendered = RENDERER.render(after)
    assert rendered[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/b"
    assert rendered[SURVEY] == {"Buddy": {"value": "x"}}


def test_restored_value_has_its_link() -> None:
    first = add_links(build_user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    second = carry_over(first, build_user({}, 2))
    third = carry_over(second, build_user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 3))
    assert RENDERER.render(third)[ENTERPRISE]["manager"] == {"value": "boss", "$ref": f"{BASE_URL}/Users/b"}


def test_links_are_carried_over_by_attribute() -> None:
    before = add_links(build_user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = carry_over(before, build_user({SURVEY: {"Buddy": {"value": "boss"}}}, 2))
    assert RENDERER.render(after)[SURVEY] == {"Buddy": {"value": "boss"}}


def test_only_ref_to_known_url_is_extracted() -> None:
    sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": f"{BASE_URL}/Users/{USER_ID}"}}}
    assert links.extract_client_refs(sent, TYPE, BASE_URL) == (
        {ENTERPRISE: {"manager": {"value": "x"}}},
        {(MANAGER, "x"): USER_ID},
    )
    for ref in (f"../Users/{USER_ID}", f"https://hr.example.com/Users/{USER_ID}", f"{BASE_URL}/Users/b", ""):
        sent = {ENTERPRISE: {"manager": {"value": "x", "$ref": ref}}}
        assert links.extract_client_refs(sent, TYPE, BASE_URL) == (sent, {})


def test_client_ref_is_rendered_but_not_published() -> None:
    created = carry_over(None, build_user({ENTERPRISE: {"manager": {"value": "x"}}}), {(MANAGER, "x"): USER_ID})
    assert RENDERER.render(created)[ENTERPRISE]["manager"]["$ref"] == f"{BASE_URL}/Users/{USER_ID}"
    assert UserLinks.parse(created.links_json).published_links == []


def test_resolved_link_precedes_client_ref() -> None:
    before = add_links(build_user({ENTERPRISE: {"manager": {"value": "boss"}}}), boss="b")
    after = build_user({"title": "Cook", ENTERPRISE: {"manager": {"value": "boss"}}}, 2)
    after = carry_over(before, after, {(MANAGER, "boss"): USER_ID})
    assert [link.user_id for link in UserLinks.parse(after.links_json).links] == ["b"]


@pytest.mark.parametrize("ref", ["", "../Users/b"])
@pytest.mark.parametrize("first", ["$ref", "value"])
def test_value_with_client_ref_has_no_position(ref: str, first: str) -> None:
    manager = {"$ref": ref, "value": "boss"} if first == "$ref" else {"value": "boss", "$ref": ref}
    stored = add_links(build_user({ENTERPRISE: {"manager": manager}}), boss="b")
    assert [(link.user_id, link.position) for link in UserLinks.parse(stored.links_json).links] == [("b", None)]
    assert RENDERER.render(stored)[ENTERPRISE]["manager"] == manager


def test_changed_links_are_listed_by_attribute() -> None:
    one, other = Link("a", "x", "1", None), Link("b", "y", "2", None)
    assert links.list_changed_link_attributes([one], [one, other]) == ["b"]
    assert links.list_changed_link_attributes([one, other], [Link("a", "x", "3", None)]) == ["a", "b"]
    assert links.list_changed_link_attributes([one], [one]) == []


def test_hidden_value_is_no_reference() -> None:
    """Its link is not rendered, neither alone nor on a page. It is a reference again when its attribute is restored."""
    stored = add_links(build_user({SURVEY: {"Buddy": {"value": "m"}, "Business Unit": "R&D"}}), m=USER_ID)
    without = EXTENSION | {"attributes": EXTENSION["attributes"][:1]}
    fewer = load_user_type().with_extensions([without], frozenset({SURVEY}))
    for resource_type, expected in ((fewer, {"Business Unit": "R&D"}), (load_user_type(), None)):
        assert links.resolve_links(stored.resource, resource_type, lambda *_: USER_ID) == ()
        renderer = ResourceRenderer(resource_type, BASE_URL)
        assert renderer.render(stored).get(SURVEY) == expected
        assert json.loads(renderer.compile_json_renderer()(stored)) == renderer.render(stored)
    assert RENDERER.render(stored)[SURVEY]["Buddy"]["$ref"] == f"{BASE_URL}/Users/{USER_ID}"


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


@pytest.mark.parametrize(
    "value", ["boss", ["boss"], {"value": "boss", "$ref": 7}, {"value": ["boss"]}, [{"value": ""}]]
)
def test_value_of_an_earlier_type_raises_nothing(value: Any) -> None:
    """The value was stored before its attribute became complex."""
    stored, other = build_user({PEERS: {"peer": value}}), build_user({PEERS: {"peer": {"value": "boss"}}}, 2)
    references = links.resolve_links(stored.resource, NOW_COMPLEX, lambda _, __: "b")
    assert [link.position for link in references] in ([], [None])
    links.extract_client_refs(stored.resource, NOW_COMPLEX, BASE_URL)
    none = UserLinks()
    assert links.carry_over_links(none, other.resource, NOW_COMPLEX, {}) == none
    links.carry_over_links(none, stored.resource, NOW_COMPLEX, {(f"{PEERS}:peer", "boss"): "b"})
    assert links.may_affect_links(stored, stored, NOW_COMPLEX) is bool(references)


MANAGED = {ENTERPRISE: {"manager": {"value": "boss"}}}


class TestChangesThatMayAffectLinks:
    """The change record has this fact because the stream function reads neither users nor settings."""

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
    def test_identifiers_and_references_may_affect_links(self, before: Any, after: Any) -> None:
        old, new = (members if members is None else build_user(members) for members in (before, after))
        assert links.may_affect_links(old, new, TYPE)

    def test_existing_links_may_be_affected(self) -> None:
        before, after = build_user({}), build_user({"title": "Cook"}, 2)
        before.links_json = UserLinks(1, (Link("manager", "a", "b", None),)).to_json()
        assert links.may_affect_links(before, after, TYPE)

    @pytest.mark.parametrize("after", [{"title": "Cook"}, {"active": False}, {SURVEY: {"Business Unit": "Kitchen"}}])
    def test_other_attributes_do_not_affect_links(self, after: Any) -> None:
        assert not links.may_affect_links(build_user({}), build_user(after, 2), TYPE)
