"""Custom schemas that are added, changed and removed while users have values of them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.conftest import EXTENSION
from tests.endpoint import CORE, SURVEY, Endpoint
from tests.handlers.tenants import start_environment

OTHER = "urn:example:params:scim:schemas:hr:2.0:User"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
VALUES = {"Business Unit": "R&D", "Contract Level": 7}
HR: dict[str, Any] = {
    "id": OTHER,
    "attributes": [
        {"name": "badge", "type": "string"},
        {"name": "tags", "type": "string", "multiValued": True},
        {
            "name": "desk",
            "type": "complex",
            "subAttributes": [{"name": "room", "type": "string"}, {"name": "floor", "type": "integer"}],
        },
        {
            "name": "devices",
            "type": "complex",
            "multiValued": True,
            "subAttributes": [
                {"name": "value", "type": "string"},
                {"name": "type", "type": "string"},
                {"name": "serial", "type": "string"},
            ],
        },
    ],
}
HR_VALUES: dict[str, Any] = {
    "badge": "B1",
    "tags": ["a", "b"],
    "desk": {"room": "101", "floor": 4},
    "devices": [
        {"value": "laptop", "type": "work", "serial": "S1"},
        {"value": "phone", "type": "work", "serial": "S2"},
    ],
}


class Customer:
    """A tenant with one user. ``connect`` starts an execution environment, which reads the current settings."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        self.token = endpoint.token
        self.id = endpoint.token.split("_")[1]
        self.tenants = build_operator_adapters(settings, "tests").build_administration().tenants
        self.store = build_operator_adapters(settings, "tests").build_administration().tenant_store

    def connect(self) -> Endpoint:
        return start_environment(self.token)

    def write_extensions(self, *documents: Mapping[str, Any]) -> None:
        """Write settings that the use cases would reject."""
        before = self.store.get(self.id)
        assert before is not None
        after = replace(before, custom_schemas=documents, version=before.version + 1)
        self.store.write(
            before, after, AuditEvent(str(uuid.uuid4()), "2026-01-31T09:30:00.000Z", AuditAction.CONFIGURE, "tests", {})
        )


@pytest.fixture
def customer(settings: Settings, connect: Callable[[], Endpoint]) -> Customer:
    return Customer(settings, connect())


@pytest.fixture(params=[False, True], ids=["tolerant", "strict"])
def hr(request: pytest.FixtureRequest, customer: Customer) -> Customer:
    """Return a customer with the schema of an HR system, with strict mode off and on."""
    customer.tenants.configure(customer.id, custom_schemas=[HR], is_strict=request.param)
    return customer


def build_body(**members: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": "alice@example.com", "active": True} | members


def read(scim: Endpoint, user_id: str) -> dict[str, Any]:
    """Return a user, and check that all kinds of requests return the same."""
    user: dict[str, Any] = scim.request("GET", f"/Users/{user_id}").json()
    assert scim.request("GET", "/Users").json()["Resources"] == [user]
    assert scim.request("GET", f'/Users?filter=userName eq "{user["userName"]}"').json()["Resources"] == [user]
    assert scim.request("GET", '/Users?filter=meta.created gt "2000-01-01T00:00:00Z"').json()["Resources"] == [user]
    assert scim.request("POST", "/Users/.search", {"schemas": [SEARCH]}).json()["Resources"] == [user]
    projected = scim.request("GET", f"/Users/{user_id}?excludedAttributes=title").json()
    assert projected == {name: value for name, value in user.items() if name != "title"}
    return user


def patch_in_bulk(scim: Endpoint, user_id: str, value: Any) -> tuple[int, str]:
    data = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [value]}
    operation = {"method": "PATCH", "path": f"/Users/{user_id}", "data": data}
    response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})
    return response.status, response.json()["Operations"][0]["status"]


LEVEL = f"{SURVEY}:Contract Level"
REQUESTS: Mapping[str, Callable[[Endpoint, str], int]] = {
    "get": lambda scim, user: scim.request("GET", f"/Users/{user}").status,
    "get attributes": lambda scim, user: scim.request("GET", f"/Users/{user}?attributes={LEVEL}").status,
    "get excludedAttributes": lambda scim, user: (
        scim.request("GET", f"/Users/{user}?excludedAttributes={LEVEL}.value").status
    ),
    "list": lambda scim, _: scim.request("GET", "/Users").status,
    "list attributes": lambda scim, _: scim.request("GET", f"/Users?attributes={LEVEL}.value").status,
    "filter eq": lambda scim, _: scim.request("GET", f'/Users?filter={LEVEL}.value eq "x"').status,
    "filter co": lambda scim, _: scim.request("GET", f'/Users?filter={LEVEL}.value co "x"').status,
    "filter gt": lambda scim, _: scim.request("GET", f'/Users?filter={LEVEL}.value gt "x"').status,
    "filter pr": lambda scim, _: scim.request("GET", f"/Users?filter={LEVEL} pr").status,
    "filter brackets": lambda scim, _: scim.request("GET", f'/Users?filter={LEVEL}[value eq "x"]').status,
    "sort": lambda scim, _: scim.request("GET", f"/Users?sortBy={LEVEL}").status,
    "patch add": lambda scim, user: scim.patch(user, {"op": "add", "path": LEVEL, "value": [{"value": "x"}]}).status,
    "patch replace": lambda scim, user: (
        scim.patch(user, {"op": "replace", "path": f'{LEVEL}[value eq "x"].type', "value": "y"}).status
    ),
    "patch remove": lambda scim, user: scim.patch(user, {"op": "remove", "path": f'{LEVEL}[value eq "x"]'}).status,
    "patch without path": lambda scim, user: (
        scim.patch(user, {"op": "add", "value": {SURVEY: {"Contract Level": [{"value": "x"}]}}}).status
    ),
    "put": lambda scim, user: scim.request("PUT", f"/Users/{user}", build_body(title="Chef")).status,
    "delete": lambda scim, user: scim.request("DELETE", f"/Users/{user}").status,
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_value_of_another_type_causes_no_fault(customer: Customer, kind: str) -> None:
    """An integer is stored, and the schema now has a complex attribute with its name."""
    user = customer.connect().create(**{SURVEY: {"Contract Level": 7}})
    members = [{"name": name, "type": "string"} for name in ("value", "type")]
    changed = {"name": "Contract Level", "type": "complex", "multiValued": True, "subAttributes": members}
    customer.write_extensions({"id": SURVEY, "attributes": [changed]})
    assert REQUESTS[kind](customer.connect(), user["id"]) in (200, 204, 400)


def test_type_cannot_change_by_removing_the_schema(customer: Customer) -> None:
    customer.connect().create(**{SURVEY: {"Contract Level": 7}})
    customer.tenants.remove_schema(customer.id, SURVEY)
    changed = {"id": SURVEY, "attributes": [{"name": "Contract Level", "type": "string"}]}
    with pytest.raises(ValueError, match=r"The type of .*Contract Level cannot change from integer"):
        customer.tenants.add_schemas(customer.id, [changed])


@pytest.mark.parametrize("write", ["PATCH", "PUT", "PUT with unknown", "Bulk"])
def test_cached_settings_keep_new_values(customer: Customer, write: str) -> None:
    """An execution environment caches settings for up to a minute. It keeps values of schemas that it does not know."""
    stale = customer.connect()
    user = stale.create()
    customer.tenants.add_schemas(customer.id, [HR])
    fresh = customer.connect()
    assert fresh.patch(user["id"], {"op": "add", "path": OTHER, "value": HR_VALUES}).status == 200
    title = {"op": "replace", "path": "title", "value": "Chef"}

    if write == "PATCH":
        assert stale.patch(user["id"], title).status == 200
    elif write == "Bulk":
        assert patch_in_bulk(stale, user["id"], title) == (200, "200")
    else:
        more = {OTHER: {"badge": "lost"}} if write == "PUT with unknown" else {}
        assert stale.request("PUT", f"/Users/{user['id']}", build_body(title="Chef", **more)).status == 200

    assert OTHER not in read(stale, user["id"])
    user_read = read(fresh, user["id"])
    assert (user_read["title"], user_read[OTHER], user_read["schemas"]) == ("Chef", HR_VALUES, [CORE, OTHER])


def test_restored_schema_shows_hidden_values(hr: Customer, table: Any) -> None:
    """The requests of the identity provider's next cycle do not delete the hidden values."""
    user = hr.connect().create(**{OTHER: HR_VALUES, "schemas": [CORE, OTHER]})
    hr.tenants.remove_schema(hr.id, OTHER)
    without, path = hr.connect(), f"/Users/{user['id']}"

    user_read = read(without, user["id"])
    assert user_read.pop("meta") == user["meta"] | {"version": without.request("GET", path).headers["etag"]}
    assert user_read == {name: user[name] for name in user if name not in (OTHER, "meta")} | {"schemas": [CORE]}
    assert without.request("GET", f'/Users?filter={OTHER}:badge eq "B1"').status == 400
    for urn, number in ((OTHER, 0), (CORE, 1)):
        assert without.request("GET", f'/Users?filter=schemas eq "{urn}"').json()["totalResults"] == number
    assert without.patch(user["id"], {"op": "replace", "path": "title", "value": "Cook"}).status == 200
    put = without.request("PUT", f"/Users/{user['id']}", build_body(title="Chef"))
    assert (put.status, OTHER in put.json()) == (200, False)
    repeated = without.request("PUT", f"/Users/{user['id']}", build_body(title="Chef"))
    assert repeated.json()["meta"] == put.json()["meta"]

    hr.tenants.add_schemas(hr.id, [HR])
    user_read = read(hr.connect(), user["id"])
    assert (user_read[OTHER], user_read["schemas"], user_read["title"]) == (HR_VALUES, [CORE, OTHER], "Chef")
    records = table.query(KeyConditionExpression=Key("pk").eq(f"T#{hr.id}") & Key("sk").begins_with("C#"))["Items"]
    changed = [name for record in records if record["operation"] != "create" for name in record["changed"]]
    assert sorted(changed) == ["title", "title", "userName"]


def test_removed_attributes_are_hidden_and_kept(hr: Customer) -> None:
    """A new version of the schema lacks some attributes and sub-attributes."""
    user = hr.connect().create(**{OTHER: HR_VALUES, "schemas": [CORE, OTHER]})
    desk, devices = HR["attributes"][2:]
    fewer = [
        desk | {"subAttributes": desk["subAttributes"][:1]},
        devices | {"subAttributes": devices["subAttributes"][:2]},
    ]
    hr.tenants.add_schemas(hr.id, [HR | {"attributes": fewer}])
    scim = hr.connect()
    devices_read = [{"value": "laptop", "type": "work"}, {"value": "phone", "type": "work"}]

    assert read(scim, user["id"])[OTHER] == {"desk": {"room": "101"}, "devices": devices_read}
    moved = {"op": "replace", "path": f'{OTHER}:devices[value eq "phone"].type', "value": "home"}
    assert scim.patch(user["id"], moved, {"op": "remove", "path": f"{OTHER}:desk"}).status == 200
    values = {OTHER: {"devices": [{"value": "tablet"}, {"value": "phone", "type": "home"}]}}
    put = scim.request("PUT", f"/Users/{user['id']}", build_body(schemas=[CORE, OTHER], **values))
    assert put.json()[OTHER] == values[OTHER] == read(scim, user["id"])[OTHER]

    hr.tenants.add_schemas(hr.id, [HR])
    assert read(hr.connect(), user["id"])[OTHER] == {
        "badge": "B1",
        "tags": ["a", "b"],
        "desk": {"floor": 4},
        "devices": [{"value": "tablet"}, {"value": "phone", "type": "home", "serial": "S2"}],
    }


def test_schema_with_only_hidden_values_is_omitted(hr: Customer) -> None:
    user = hr.connect().create(**{OTHER: {"badge": "B1"}, "schemas": [CORE, OTHER]})
    hr.tenants.add_schemas(hr.id, [HR | {"attributes": HR["attributes"][1:]}])
    before = read(hr.connect(), user["id"])
    assert before["schemas"] == [CORE]
    removed = hr.connect().patch(user["id"], {"op": "remove", "path": OTHER})
    assert (removed.status, removed.json()) == (200, before)
    hr.tenants.add_schemas(hr.id, [HR])
    assert read(hr.connect(), user["id"])[OTHER] == {"badge": "B1"}


def test_deleted_user_leaves_no_hidden_values(hr: Customer, table: Any) -> None:
    user = hr.connect().create(**{OTHER: HR_VALUES, "schemas": [CORE, OTHER]})
    hr.tenants.remove_schema(hr.id, OTHER)
    assert hr.connect().request("DELETE", f"/Users/{user['id']}").status == 204
    assert "laptop" not in str(table.scan()["Items"])


def test_read_only_values_survive_a_put(hr: Customer) -> None:
    """RFC 7644 section 3.5.1: a PUT can neither change nor clear readOnly values."""
    user = hr.connect().create(**{OTHER: HR_VALUES, "schemas": [CORE, OTHER]})
    badge, tags, desk, devices = HR["attributes"]
    room, floor = desk["subAttributes"]
    attributes = [
        badge | {"mutability": "readOnly"},
        desk | {"subAttributes": [room, floor | {"mutability": "readOnly"}]},
        tags,
        devices,
    ]
    hr.tenants.add_schemas(hr.id, [HR | {"attributes": attributes}])
    values = {OTHER: {"badge": "mine", "desk": {"room": "202", "floor": 9}}}
    put = hr.connect().request("PUT", f"/Users/{user['id']}", build_body(schemas=[CORE, OTHER], **values))
    assert put.json()[OTHER] == {"badge": "B1", "desk": {"room": "202", "floor": 4}}


def test_extension_of_the_example_is_hidden_when_removed(customer: Customer) -> None:
    user = customer.connect().create(**{SURVEY: VALUES})
    customer.tenants.configure(customer.id, custom_schemas=[])
    scim = customer.connect()
    patched = scim.patch(user["id"], {"op": "replace", "path": "title", "value": "T"}).json()
    assert (patched["schemas"], SURVEY in patched) == ([CORE], False)
    customer.tenants.configure(customer.id, custom_schemas=[EXTENSION])
    assert read(customer.connect(), user["id"])[SURVEY] == VALUES


def test_thousands_of_unknown_attributes_are_accepted(customer: Customer) -> None:
    """Change records and failures omit most of their names, which would exceed the size of an item."""
    scim = customer.connect()
    unknown = {f"a{number:04}{'x' * 80}": 1 for number in range(6_000)}
    user = scim.create(**unknown)
    patched = scim.patch(user["id"], {"op": "add", "value": unknown | {"title": "Chef"}})
    assert (patched.status, patched.json()["title"]) == (200, "Chef")


def test_user_with_all_possible_attributes_is_stored(customer: Customer) -> None:
    """The change record names all attributes. Schemas are limited so that it fits into an item."""
    urn = f"urn:example:{'x' * 130}"
    names = [f"a{number}" for number in range(100)]
    attributes = [{"name": name, "type": "integer"} for name in names]
    documents: list[dict[str, Any]] = [{"id": f"{urn}{number:02}", "attributes": attributes} for number in range(40)]
    with pytest.raises(ValueError, match="have more than 30,000 bytes in total"):
        customer.tenants.configure(customer.id, custom_schemas=documents)
    customer.tenants.configure(customer.id, custom_schemas=documents[:2])
    values = {document["id"]: dict.fromkeys(names, 1) for document in documents[:2]}
    created = customer.connect().request("POST", "/Users", build_body(externalId="x" * 330_000, **values))
    assert created.status == 201
