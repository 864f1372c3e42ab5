"""Stored values that do not conform to the schema: no request fails because of them, and none removes them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import ScimError
from scim.protocol.messages import SearchRequest
from scim.protocol.projection import parse_projection
from scim.protocol.schema import ResourceType, load_user_type
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import ResourceSearch, render_resource
from tests.endpoint import CORE
from tests.service.fakes import BASE_URL, MemoryStore, build_context, build_service, build_user

URN = "urn:example:params:User"
OTHER_URN = "urn:example:params:Other"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SAMPLES: Mapping[str, Any] = {
    "string": "x",
    "boolean": True,
    "decimal": 1.5,
    "integer": 3,
    "dateTime": "2026-01-31T09:30:00Z",
    "binary": "eA==",
    "reference": "https://example.com",
}
SIMPLE = tuple(SAMPLES)

names = st.sampled_from(["a", "b", "Cost Center", "value"])
sub_names = st.sampled_from(["value", "type", "primary", "x"])
mutabilities = st.sampled_from(["readWrite", "readWrite", "readOnly", "immutable"])


def build_attribute(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "string"} | more


simple_attributes = st.builds(
    build_attribute, names, type=st.sampled_from(SIMPLE), multiValued=st.booleans(), mutability=mutabilities
)
sub_attributes = st.lists(
    st.builds(build_attribute, sub_names, type=st.sampled_from(SIMPLE), mutability=mutabilities),
    min_size=1,
    max_size=3,
    unique_by=lambda sub: str(sub["name"]),
)
complex_attributes = st.builds(
    build_attribute, names, type=st.just("complex"), multiValued=st.booleans(), subAttributes=sub_attributes
)
schemas = st.lists(
    simple_attributes | complex_attributes,
    min_size=1,
    max_size=3,
    unique_by=lambda attribute: str(attribute["name"]).lower(),
).map(lambda attributes: {"id": URN, "attributes": attributes})

scalars = st.one_of(st.sampled_from([*SAMPLES.values(), "", "2026-13-01T00:00:00Z", 0, False]), st.integers(-9, 9))
members = st.dictionaries(sub_names | st.just("hidden"), scalars, max_size=3)
values = scalars | members | st.lists(scalars | members, max_size=3)
stored_members = st.dictionaries(names | st.just("gone"), values, max_size=4) | values


def build_sample(attribute: Mapping[str, Any]) -> Any:
    """Return a valid value of the attribute."""
    if attribute["type"] == "complex":
        value: Any = {sub["name"]: SAMPLES[sub["type"]] for sub in attribute["subAttributes"]}
    else:
        value = SAMPLES[attribute["type"]]
    return [value] if attribute.get("multiValued") else value


def format_literal(type_: str) -> str:
    value = SAMPLES[type_]
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def list_paths(attribute: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the paths of the attribute and its sub-attributes, with the types of their values."""
    name = f"{URN}:{attribute['name']}"
    if attribute["type"] != "complex":
        yield name, attribute["type"]
    for sub in attribute.get("subAttributes", ()):
        yield f"{name}.{sub['name']}", sub["type"]
        if attribute.get("multiValued"):
            yield f"{name}[{sub['name']} eq {format_literal(sub['type'])}].{sub['name']}", sub["type"]


Request = Callable[[MemoryStore, ResourceType, str], object]


def patch(op: str, path: str | None = None, value: Any = None) -> Request:
    operation = {"op": op} | ({"path": path} if path else {}) | ({} if op == "remove" else {"value": value})
    body = {"schemas": [PATCH], "Operations": [operation]}
    return lambda store, type_, user_id: build_service(store, resource_type=type_).patch(user_id, body)


def search(**members: Any) -> Request:
    return lambda store, type_, _: ResourceSearch(type_, store, build_context()).run(SearchRequest(**members))


def get(attributes: list[str], excluded: list[str]) -> Request:
    def read(store: MemoryStore, type_: ResourceType, user_id: str) -> object:
        stored = build_service(store, resource_type=type_).get(user_id)
        projection = parse_projection(attributes, excluded, type_, build_context().leniencies)
        return render_resource(stored, projection, ResourceRenderer(type_, BASE_URL))

    return read


def put(**members: Any) -> Request:
    body = {"schemas": [CORE], "userName": "alice"} | members
    return lambda store, type_, user_id: build_service(store, resource_type=type_).replace(user_id, body)


def delete(store: MemoryStore, type_: ResourceType, user_id: str) -> None:
    build_service(store, resource_type=type_).delete(user_id)


def list_requests(attribute: Mapping[str, Any]) -> Iterator[tuple[str, Request]]:
    """Yield each kind of request that can read or write a stored value of the attribute."""
    name, value = f"{URN}:{attribute['name']}", build_sample(attribute)
    yield "get", get([], [])
    yield "get projected", get([name], [])
    yield "get without", get([], [name])
    yield "list", search()
    yield "list projected", search(attributes=[name])
    yield "filter schemas", search(filter=f'schemas eq "{URN}"')
    yield "filter attribute pr", search(filter=f"{name} pr")
    yield "filter attribute null", search(filter=f"{name} eq null")
    for path, type_ in list_paths(attribute):
        for operator in ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"):
            yield f"filter {operator}", search(filter=f"{path} {operator} {format_literal(type_)}")
        yield "filter pr", search(filter=f"{path} pr and not ({path} pr)")
        yield "sort", search(sortby=path)
        yield "sort descending", search(sortby=path, sortorder="descending", attributes=[path])
        for op in ("add", "replace", "remove"):
            yield f"patch {op} member", patch(op, path, SAMPLES[type_])
    for op in ("add", "replace", "remove"):
        yield f"patch {op}", patch(op, name, value)
        yield f"patch {op} schema", patch(op, URN, {attribute["name"]: value})
    yield "patch without path", patch("replace", value={URN: {attribute["name"]: value}})
    yield "patch something else", patch("replace", "title", "Chef")
    yield "put", put(**{URN: {attribute["name"]: value}})
    yield "put without", put(title="Chef")
    yield "delete", delete


def extract_hidden(stored: StoredResource, known: frozenset[str]) -> Mapping[str, Any]:
    """Return the hidden values: those of another extension, and of attributes that the schema does not have."""
    extension = stored.resource.get(URN)
    members = extension if isinstance(extension, dict) else {}
    return {OTHER_URN: stored.resource.get(OTHER_URN)} | {
        name: value for name, value in members.items() if name not in known
    }


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=200)
@given(schemas, st.lists(stored_members, min_size=1, max_size=3), stored_members)
def test_no_request_fails_or_removes_hidden_values(
    schema: dict[str, Any], extensions: list[Any], other: dict[str, Any]
) -> None:
    """Random documents, random schemas and all kinds of requests: the result is a response or a SCIM error."""
    resource_type = load_user_type().with_extensions([schema], frozenset({URN}))
    known = frozenset(attribute["name"] for attribute in schema["attributes"])
    for attribute in schema["attributes"]:
        for kind, request in list_requests(attribute):
            users = [
                build_user(f"user {number}", **{URN: extension, OTHER_URN: other})
                for number, extension in enumerate(extensions)
            ]
            store = MemoryStore(*users)
            before = extract_hidden(users[0], known)
            try:
                response = request(store, resource_type, users[0].id)
            except ScimError:
                pass
            else:
                assert OTHER_URN not in str(response) or isinstance(response, StoredResource), kind
            if kind != "delete":
                assert extract_hidden(store.users[users[0].id], known) == before, kind
            assert all(OTHER_URN not in name for change in store.changes for name in change.attributes_changed), kind


@pytest.mark.parametrize("is_strict", [False, True])
def test_value_of_another_type_is_unassigned(is_strict: bool) -> None:
    """The attribute has another type in the settings than the stored value."""
    document = {"id": URN, "attributes": [build_attribute("a", type="integer"), build_attribute("b")]}
    tenant = Tenant("acme", is_strict=is_strict, custom_schemas=[document])
    (resource_type,) = tenant.resource_types
    values: dict[str, Any] = {URN: {"a": "old", "b": "kept"}}
    store = MemoryStore(build_user("alice", **values))
    (user_id,) = store.users

    def find(filter_: str) -> bool:
        response = ResourceSearch(resource_type, store, build_context(tenant=tenant)).run(SearchRequest(filter=filter_))
        return '"totalResults":1' in response.body

    assert find(f'{URN}:b eq "kept" and not ({URN}:a pr) and {URN}:a ne 5')
    assert not find(f"{URN}:a ge 0")
    body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": f"{URN}:a", "value": 5}]}
    build_service(store, build_context(tenant=tenant), resource_type).patch(user_id, body)
    assert store.users[user_id].resource[URN] == {"a": 5, "b": "kept"}
    assert store.changes[0].attributes_changed == [f"{URN}:a"]
