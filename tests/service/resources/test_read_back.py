"""A client can send back what it has read: nothing changes, whatever a schema change or a limit did to the user."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue
from scim.protocol.references import MAX_REFERENCES
from scim.protocol.schema import ResourceType, load_user_type
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.references.links import resolve_links
from scim.service.resources.rendering import ResourceRenderer
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, MemoryStore, build_context, build_service, build_user, new_id

TEAM, SKILLS = "urn:example:params:Team", "urn:example:params:Skills"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER_IDS = [new_id() for _ in range(4)]


def build_reference_schema(urn: str, **characteristics: Any) -> dict[str, Any]:
    """Return a schema with two multi-valued references: complex ones with a ``$ref``, and plain ones."""
    sub_attributes = [
        {"name": "value", "type": "string", "required": True},
        {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
    ]
    peers = {"name": "peers", "type": "complex", "multiValued": True, "subAttributes": sub_attributes}
    plain = {"name": "names", "type": "string", "format": "employee", "multiValued": True}
    return {"id": urn, "attributes": [peers | characteristics, plain]}


def build_type(*documents: Mapping[str, Any]) -> ResourceType:
    """Return the type with custom schemas. Users may have values that the schemas do not have."""
    return load_user_type().with_extensions(documents, frozenset(document["id"] for document in documents))


def link(stored: StoredResource, resource_type: ResourceType) -> StoredResource:
    """Link the references of a user to users, as link tasks do."""
    links = resolve_links(stored.resource, resource_type, lambda _, value: USER_IDS[len(value) % len(USER_IDS)])
    stored.links_json = UserLinks(1, links).to_json()
    return stored


def read(store: MemoryStore, resource_type: ResourceType, user_id: str) -> dict[str, Any]:
    """Return the user as GET shows it."""
    stored = build_service(store, resource_type=resource_type).get(user_id)
    resource: dict[str, Any] = json.loads(ResourceRenderer(resource_type, BASE_URL).compile_json_renderer()(stored))
    return resource


def send_back(stored: StoredResource, resource_type: ResourceType) -> None:
    """Send back by PUT and by PATCH what GET shows; check that nothing changes."""
    store = MemoryStore(stored)
    shown = read(store, resource_type, stored.id)
    service = build_service(store, resource_type=resource_type)
    members = {name: value for name, value in shown.items() if name not in ("schemas", "id", "meta")}
    operations = [{"op": "replace", "path": name, "value": value} for name, value in members.items()]

    replaced = service.replace(stored.id, shown)
    patched = service.patch(stored.id, {"schemas": [PATCH], "Operations": [{"op": "replace", "value": members}]})
    patched_by_paths = service.patch(stored.id, {"schemas": [PATCH], "Operations": operations})

    assert (replaced, patched, patched_by_paths) == (stored, stored, stored)
    assert store.changes == []
    assert read(store, resource_type, stored.id) == shown


def build_peers(number: int) -> list[dict[str, str]]:
    return [{"value": f"{'x' * (index % 7)}peer-{index}"} for index in range(number)]


@pytest.mark.parametrize("number", [1, MAX_REFERENCES - 1, MAX_REFERENCES, MAX_REFERENCES + 1, 500])
def test_user_with_many_references(number: int) -> None:
    resource_type = build_type(build_reference_schema(TEAM))
    members: dict[str, Any] = {ENTERPRISE: {"manager": {"value": "boss"}}, TEAM: {"peers": build_peers(number)}}
    stored = link(build_user(**members), resource_type)
    assert json.dumps(read(MemoryStore(stored), resource_type, stored.id)).count("$ref") == min(number + 1, 50)

    send_back(stored, resource_type)


def test_values_that_a_removed_sub_attribute_tells_apart() -> None:
    """They look like duplicates, and are kept as long as a client does not change them."""
    names = ("value", "type", "floor")
    sub_attributes = [{"name": name, "type": "string"} for name in names]
    desks = {"name": "desks", "type": "complex", "multiValued": True}
    before, after = (
        build_type({"id": TEAM, "attributes": [desks | {"subAttributes": sub_attributes[::step]}]}) for step in (1, 2)
    )
    service = build_service(store := MemoryStore(), resource_type=before)
    body = {"schemas": [CORE], "userName": "alice", TEAM: {"desks": [{"value": "7", "type": kind} for kind in "abc"]}}
    stored = service.create(body)
    send_back(stored, after)

    service = build_service(store, resource_type=after)
    for operation in (
        {"op": "replace", "path": f"{TEAM}:desks.floor", "value": "1"},
        {"op": "add", "path": f"{TEAM}:desks", "value": [{"value": "7"}]},
        {"op": "add", "path": f"{TEAM}:desks", "value": [{"value": "8"}, {"value": "8"}]},
        {"op": "remove", "path": f'{TEAM}:desks[value eq "8"]'},
    ):
        stored = service.patch(stored.id, {"schemas": [PATCH], "Operations": [operation]})

    assert stored.resource[TEAM]["desks"] == [{"value": "7", "type": kind, "floor": "1"} for kind in "abc"]


@pytest.mark.parametrize("number", [MAX_REFERENCES - 1, MAX_REFERENCES, MAX_REFERENCES + 1])
def test_reference_moves_beyond_the_limit(number: int) -> None:
    """A schema that is added in front has other references. The links of before are still shown."""
    team, skills = build_reference_schema(TEAM), build_reference_schema(SKILLS)
    members: dict[str, Any] = {
        TEAM: {"peers": build_peers(number)},
        SKILLS: {"names": [f"n{index}" for index in range(number)]},
    }
    stored = link(build_user(**members), build_type(team))

    send_back(stored, build_type(skills, team))


def test_new_manager_moves_a_reference_beyond_the_limit() -> None:
    resource_type = build_type(build_reference_schema(TEAM))
    members: dict[str, Any] = {TEAM: {"peers": build_peers(MAX_REFERENCES)}}
    stored = link(build_user(**members), resource_type)
    store = MemoryStore(stored)
    shown = read(store, resource_type, stored.id)

    changed = build_service(store, resource_type=resource_type).replace(
        stored.id, shown | {ENTERPRISE: {"manager": {"value": "boss"}}}
    )

    assert "$ref" not in changed.document
    assert store.changes[0].attributes_changed == [f"{ENTERPRISE}:manager"]


texts = st.sampled_from([" ", "x", "boss", "x" * 257, "2026-01-31", "tomorrow", "a@example.com"])
refs = st.sampled_from(["../Users/x", "https://hr.example.com/Users/1", f"{BASE_URL}/Users/{USER_IDS[0]}"])
scalars = texts | st.sampled_from([True, 3, 1.5])
objects = st.dictionaries(st.sampled_from(["value", "display", "gone", "level"]), scalars, min_size=1, max_size=3)
elements = st.builds(lambda value, ref: value | ref, objects, st.just({}) | st.builds(lambda ref: {"$ref": ref}, refs))
stored_values = st.lists(elements | scalars, min_size=1, max_size=4) | elements | scalars
CHARACTERISTICS: dict[str, st.SearchStrategy[Any]] = {
    "mutability": st.sampled_from(["readWrite", "immutable", "readOnly"]),
    "required": st.booleans(),
}
strings = st.fixed_dictionaries(
    {"type": st.just("string"), **CHARACTERISTICS},
    optional={"maxLength": st.just(2), "format": st.sampled_from(["date", "employee"])},
)
others = st.fixed_dictionaries(
    {"type": st.sampled_from(["boolean", "integer", "decimal", "dateTime"]), **CHARACTERISTICS}
)
sub_attributes = st.fixed_dictionaries(
    {"value": strings | others},
    optional={
        "display": strings,
        "level": others,
        "$ref": st.just({"type": "reference", "referenceTypes": ["User"]}),
    },
).map(lambda members: [{"name": name, **members[name]} for name in members])
complex_attributes = st.builds(
    lambda characteristics, subs: {"type": "complex", "subAttributes": subs} | characteristics,
    st.fixed_dictionaries(CHARACTERISTICS),
    sub_attributes,
)
attributes = st.builds(
    lambda attribute, is_multi_valued: attribute | {"multiValued": is_multi_valued},
    strings | others | complex_attributes,
    st.booleans(),
)
documents = st.dictionaries(st.sampled_from(["a", "b", "c"]), attributes, min_size=1, max_size=3).map(
    lambda members: {"id": TEAM, "attributes": [{"name": name, **members[name]} for name in members]}
)


@settings(
    derandomize=True, max_examples=300, phases=[__import__("hypothesis").Phase.generate], report_multiple_bugs=False
)
@given(documents, documents, st.dictionaries(st.sampled_from(["a", "b", "c", "gone"]), stored_values, max_size=4))
def test_user_after_any_change_of_the_schema(
    before: dict[str, Any], after: dict[str, Any], members: dict[str, Any]
) -> None:
    """The stored values conform to none of the schemas, the links are those of the schema of before."""
    extensions: dict[str, Any] = {TEAM: members} if members else {}

    send_back(link(build_user(**extensions), build_type(before)), build_type(after))


def test_attribute_that_became_immutable_keeps_its_links() -> None:
    """Its value can no longer get a ``$ref``, but the one that it has is still shown."""
    members: dict[str, Any] = {TEAM: {"peers": build_peers(3)}}
    stored = link(build_user(**members), build_type(build_reference_schema(TEAM)))

    send_back(stored, build_type(build_reference_schema(TEAM, mutability="immutable")))


def test_user_name_of_before_strict_mode() -> None:
    """Strict mode rejects its characters in a new name."""
    stored = build_user("O\u2019Brien")
    store = MemoryStore(stored)
    service = build_service(store, build_context(tenant=Tenant("acme", is_strict=True)))
    body = {"schemas": [CORE], "userName": "O\u2019Brien", "active": True}

    assert service.replace(stored.id, body) == stored
    assert service.replace(stored.id, body | {"title": "Cook"}).resource["title"] == "Cook"
    for name in ("O\u2019Neill", "o\u2019brien"):
        with pytest.raises(InvalidValue, match="has characters"):
            service.replace(stored.id, body | {"userName": name})


@pytest.mark.parametrize("change", [{}, {"caseExact": False}, {"type": "removed"}])
def test_elements_that_became_duplicates_stay(change: dict[str, Any]) -> None:
    """Without ``type``, or without case, two elements look the same. The stored ones are not."""
    sub_attributes = [{"name": "value", "type": "string", "caseExact": change.get("caseExact", True)}]
    if "type" not in change:
        sub_attributes.append({"name": "type", "type": "string"})
    seats = {"name": "seats", "type": "complex", "multiValued": True, "subAttributes": sub_attributes}
    tags = {"name": "tags", "type": "string", "multiValued": True, "caseExact": change.get("caseExact", True)}
    stored_seats = [{"value": "a", "type": "desk"}, {"value": "a", "type": "sofa"}, {"value": "A", "type": "desk"}]
    members: dict[str, Any] = {TEAM: {"seats": stored_seats, "tags": ["x", "X"]}}

    send_back(build_user(**members), build_type({"id": TEAM, "attributes": [seats, tags]}))
