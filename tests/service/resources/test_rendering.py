"""The entity tags of rendered resources: equal for equal responses, and different for different ones."""

import json
from collections.abc import Sequence
from itertools import product
from typing import Any

from scim.protocol.schema import ResourceType, load_user_type
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.references.links import resolve_links
from scim.service.resources.rendering import ResourceRenderer
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, NOW

TEAM = "urn:example:team"
ROOM: dict[str, Any] = {"name": "room", "type": "string"}
FLOOR: dict[str, Any] = {"name": "floor", "type": "integer"}
EXTENSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "enterprise": {ENTERPRISE: {"manager": {"value": "boss"}}},
    "custom": {TEAM: {"room": "12", "floor": 1}},
    "both": {ENTERPRISE: {"manager": {"value": "boss"}}, TEAM: {"room": "12"}},
}


def build_types() -> list[ResourceType]:
    """Return the type User with all custom attributes, with one of them, and without the custom schema."""
    whole = load_user_type().with_extensions([{"id": TEAM, "attributes": [ROOM, FLOOR]}])
    reduced = load_user_type().with_extensions([{"id": TEAM, "attributes": [ROOM]}], frozenset({TEAM}))
    return [whole, reduced, load_user_type()]


def build_user(extensions: dict[str, Any], version: int, target: str | None) -> StoredResource:
    """Return a user whose manager is linked to the id ``target``, unless that is ``None``."""
    resource = {"schemas": [CORE, *extensions], "id": "u", "userName": "alice", **extensions}
    links = resolve_links(resource, load_user_type(), lambda _, __: target)
    return StoredResource.from_resource(
        resource, version, NOW, NOW, NOW, UserLinks(1, links).to_json() if target else ""
    )


def render(resource_type: ResourceType, stored: StoredResource) -> tuple[str, str, dict[str, Any]]:
    """Return the entity tag, the content without ``meta``, and ``meta``. Check that all renderers agree."""
    renderer = ResourceRenderer(resource_type, BASE_URL)
    resource = renderer.render(stored)

    assert json.loads(renderer.compile_json_renderer()(stored)) == resource
    assert renderer.build_etag(stored) == resource["meta"]["version"]
    meta = resource.pop("meta")
    return meta["version"], json.dumps(resource), meta


def list_responses(extensions: Sequence[str]) -> list[tuple[str, str]]:
    """Return the entity tag and the content of each combination of type, version and link."""
    return [
        render(resource_type, build_user(EXTENSIONS[name], version, target))[:2]
        for name in extensions
        for resource_type, version, target in product(build_types(), (1, 2), (None, "b", "c"))
    ]


def test_tag_changes_exactly_with_version_and_content() -> None:
    for name in EXTENSIONS:
        responses = list_responses([name])
        contents = {(tag.partition("-")[0].strip('"'), content) for tag, content in responses}

        assert len({tag for tag, _ in responses}) == len(contents) == len(set(responses))


def test_number_of_different_responses() -> None:
    """Each of two versions has a response for every link and for every set of visible attributes."""
    counts = {name: len(set(list_responses([name]))) for name in EXTENSIONS}

    assert counts == {"none": 2, "enterprise": 6, "custom": 6, "both": 12}


def test_tag_of_stored_document_is_its_version() -> None:
    whole, *_ = build_types()

    assert {render(whole, build_user(EXTENSIONS[name], 7, None))[0] for name in EXTENSIONS} == {'W/"7"'}


def test_tag_follows_what_is_stored_not_how_often_links_changed() -> None:
    """A user whose link was removed has the tag that it had before it was linked."""
    stored = build_user(EXTENSIONS["enterprise"], 1, None)
    tag = render(load_user_type(), stored)[0]
    stored.links_json = UserLinks(2).to_json()

    assert stored.links_json
    assert render(load_user_type(), stored)[0] == tag == 'W/"1"'


def test_link_changes_only_the_version_in_meta() -> None:
    before, after = (
        render(load_user_type(), build_user(EXTENSIONS["enterprise"], 1, target))[2] for target in (None, "b")
    )

    assert after["version"] != before["version"]
    assert after | {"version": before["version"]} == before
