"""Users whose references were linked after a client has read them: entity tags, filters and PATCH paths.

A GET shows a link as a ``$ref``, which is not in the stored document.
"""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from scim.protocol.schema import load_user_type
from scim.service.references.link_task import LinkTask
from scim.service.references.reference_resolver import ReferenceResolver
from scim.settings import Settings
from scim.store.links import DynamoDBLinkStore
from scim.wiring import runtime
from scim.wiring.operator_adapters import build_operator_adapters
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import BASE_URL, ENTERPRISE, Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, start_environment
from tests.tokens import raise_fault

TEAM = "urn:example:params:scim:schemas:team:2.0:User"
SCHEMA: dict[str, Any] = {
    "id": TEAM,
    "attributes": [
        {
            "name": "mentors",
            "type": "complex",
            "multiValued": True,
            "subAttributes": [
                {"name": "value", "type": "string"},
                {"name": "type", "type": "string"},
                {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
            ],
        },
        {"name": "room", "type": "string"},
    ],
}
TYPE = load_user_type().with_extensions([SCHEMA])
MANAGER = f"{ENTERPRISE}:manager"
MENTORS = f"{TEAM}:mentors"


class Customer:
    """A tenant with the schema ``SCHEMA``."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._settings = settings
        self._token = token
        self._adapters = build_scim_api_adapters(settings, raise_fault)
        self.scim = start_environment(token)
        self.set_schemas(SCHEMA)

    def set_schemas(self, *schemas: dict[str, Any]) -> None:
        administration = build_operator_adapters(self._settings, "tests").build_administration()
        administration.tenants.configure(get_tenant_id(self.scim), custom_schemas=list(schemas))
        self.scim = start_environment(self._token)

    def link(self, user: dict[str, Any], *, has_new_identifiers: bool = False) -> int:
        """Run the link task of a change of the user, and return the number of users whose links were written."""
        table = self._adapters.open_table(runtime.create_deadline(29))
        tenant_id = get_tenant_id(self.scim)
        store = DynamoDBLinkStore(table, self._adapters.resource_store_config, tenant_id, TYPE)
        task = LinkTask(tenant_id, user["id"], 1, has_new_identifiers, frozenset(), frozenset(), "r1")
        return ReferenceResolver(store, TYPE, time.time).run(task).links_written

    def get(self, user: dict[str, Any], **headers: str) -> Any:
        return self.scim.request("GET", f"/Users/{user['id']}", **headers)

    def find(self, text: str, **parameters: str) -> list[str]:
        query = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
        response = self.scim.request("GET", f"/Users?filter={quote(text)}{query}")
        assert response.status == 200, response.body
        return [user["userName"] for user in response.json()["Resources"]]


@pytest.fixture
def customer(settings: Settings, scim: Endpoint) -> Customer:
    return Customer(settings, scim.token)


@pytest.fixture
def report(customer: Customer) -> dict[str, Any]:
    """A user whose manager and mentors do not exist yet."""
    return customer.scim.create(
        userName="ann",
        **{
            ENTERPRISE: {"manager": {"value": "boss"}},
            TEAM: {"mentors": [{"value": "boss", "type": "work"}, {"value": "unknown", "type": "home"}]},
        },
    )


@pytest.fixture
def boss(customer: Customer, report: dict[str, Any]) -> dict[str, Any]:
    """The manager, created after the report and linked."""
    boss = customer.scim.create(userName="boss")
    assert customer.link(report) == 1
    return boss


class TestEntityTags:
    def test_link_changes_the_tag(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        version = report["meta"]["version"]
        response = customer.get(report, if_none_match=version)
        linked = response.json()

        assert response.status == 200
        assert linked[ENTERPRISE]["manager"]["$ref"] == boss["meta"]["location"]
        assert linked["meta"]["version"] == response.headers["etag"] != version
        assert linked["meta"] | {"version": version} == report["meta"]
        assert customer.get(report, if_none_match=linked["meta"]["version"]).status == 304
        assert customer.get(report, if_none_match=f'{version}, "7"').status == 200

    def test_deleted_target_restores_the_tag(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]
    ) -> None:
        linked = customer.get(report).json()
        assert customer.scim.request("DELETE", f"/Users/{boss['id']}").status == 204
        assert customer.link(report) == 1

        assert customer.get(report, if_none_match=linked["meta"]["version"]).status == 200
        assert customer.get(report).json() == report

    def test_tags_are_the_same_in_all_responses(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]
    ) -> None:
        tag = customer.get(report).headers["etag"]
        operation = {"op": "replace", "path": "userName", "value": "ann"}
        unchanged = customer.scim.patch(report["id"], operation)
        minimal = customer.scim.patch(report["id"], operation, prefer="return=minimal")
        projected = customer.scim.request("GET", f"/Users/{report['id']}?attributes=meta.version")
        listed = customer.scim.request("GET", "/Users?filter=userName%20eq%20%22ann%22").json()["Resources"][0]

        assert unchanged.json() == listed == customer.get(report).json()
        assert {unchanged.headers["etag"], minimal.headers["etag"], projected.headers["etag"]} == {tag}
        assert projected.json()["meta"] == {"version": tag}
        assert customer.find(f"meta.version eq {json.dumps(tag)}") == ["ann"]

    def test_write_and_read_have_the_same_tag(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]
    ) -> None:
        """A write carries links over, so its response has the same content as the next GET."""
        path = f"/Users/{report['id']}"
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": "Cook"}],
        }
        for method, body in (("PATCH", patch), ("PUT", report), ("PUT", report | {"title": "Chef"})):
            response = customer.scim.request(method, path, body)
            assert response.json()["meta"]["version"] == response.headers["etag"]
            assert response.json() == customer.get(report).json()
            assert customer.get(report, if_none_match=response.headers["etag"]).status == 304

    def test_bulk_results_have_the_tag(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        tag = customer.get(report).headers["etag"]
        operation = {"method": "PUT", "path": f"/Users/{report['id']}", "data": report, "version": tag}
        schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
        bulk = Endpoint(customer.scim.token).request("POST", "/Bulk", {"schemas": schemas, "Operations": [operation]})

        assert bulk.json()["Operations"][0]["status"] == "200"
        assert bulk.json()["Operations"][0]["version"] == tag

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_link_does_not_fail_a_write(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any], method: str
    ) -> None:
        """The client has read the user before it was linked. The write keeps the link."""
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": "Cook"}],
        }
        body = {"PUT": report | {"title": "Cook"}, "PATCH": patch, "DELETE": None}[method]
        path = f"/Users/{report['id']}"
        response = customer.scim.request(method, path, body, if_match=report["meta"]["version"])

        assert response.status == (204 if method == "DELETE" else 200)
        if method != "DELETE":
            assert customer.get(report).json()[ENTERPRISE]["manager"]["$ref"] == boss["meta"]["location"]
            assert customer.scim.request(method, path, body, if_match=report["meta"]["version"]).status == 412

    def test_hidden_value_changes_the_tag(self, customer: Customer) -> None:
        """A schema that is removed hides values, and no user has a new version."""
        user = customer.scim.create(**{TEAM: {"room": "12"}})
        other = customer.scim.create()
        customer.set_schemas()
        hidden = customer.get(user, if_none_match=user["meta"]["version"])

        assert (hidden.status, TEAM in hidden.json()) == (200, False)
        assert hidden.json()["meta"]["version"] == hidden.headers["etag"] != user["meta"]["version"]
        assert customer.get(user, if_none_match=hidden.headers["etag"]).status == 304
        assert customer.get(other, if_none_match=other["meta"]["version"]).status == 304
        customer.set_schemas(SCHEMA)
        assert customer.get(user, if_none_match=user["meta"]["version"]).status == 304


class TestFilters:
    def test_filters_find_links(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        location = boss["meta"]["location"]

        assert customer.find(f"{MANAGER}.$ref pr") == ["ann"]
        assert customer.find(f'{MANAGER}.$ref eq "{location}"') == ["ann"]
        assert customer.find(f'{MANAGER}.$ref sw "{BASE_URL}/Users/" and userName eq "ann"') == ["ann"]
        assert customer.find(f"not ({MANAGER}.$ref pr)") == ["boss"]
        assert customer.find(f'{MANAGER}.$ref ne "{location}"') == ["boss"]
        assert customer.find(f'{MENTORS}.$ref eq "{location}"') == ["ann"]
        assert customer.find(f'{MENTORS}[type eq "work" and $ref pr]') == ["ann"]
        assert customer.find(f'{MENTORS}[type eq "work"].$ref co "{boss["id"]}"') == ["ann"]
        assert customer.find(f'{MENTORS}[type eq "home" and $ref pr]') == []
        assert customer.find(f'{MANAGER}.$ref pr and schemas eq "{TEAM}"') == ["ann"]

    def test_no_links(self, customer: Customer, report: dict[str, Any]) -> None:
        assert customer.find(f"{MANAGER}.$ref pr") == []
        assert customer.find(f"{MANAGER}.$ref eq null") == ["ann"]

    def test_sort_by_link(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        assert customer.find("userName pr", sortBy=f"{MANAGER}.$ref") == ["ann", "boss"]
        assert customer.find("userName pr", sortBy=f'{MENTORS}[type eq "work"].$ref') == ["ann", "boss"]

    def test_links_cost_no_calls(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any], log: Log
    ) -> None:
        calls = []
        for text in (f"{MANAGER}.$ref pr", f"{MANAGER}.value pr"):
            customer.find(text)
            calls.append(log.last["dynamodb_calls"])

        assert calls[0] == calls[1]


class TestClientRefs:
    """A ``$ref`` that the client has sent, before a link task resolves its reference."""

    def test_next_versions_show_it(self, customer: Customer) -> None:
        boss = customer.scim.create(userName="boss")
        manager = {"value": "boss", "$ref": boss["meta"]["location"]}
        ann = customer.scim.create(userName="ann", **{ENTERPRISE: {"manager": manager}})
        path = f"/Users/{ann['id']}"
        for title in ("Cook", "Chef"):
            patched = customer.scim.patch(ann["id"], {"op": "replace", "path": "title", "value": title}).json()
            replaced = customer.scim.request("PUT", path, patched | {"displayName": title}).json()

            assert patched[ENTERPRISE]["manager"] == replaced[ENTERPRISE]["manager"] == manager
        assert customer.link(ann) == 1
        assert customer.get(ann, if_none_match=replaced["meta"]["version"]).status == 304

    def test_it_does_not_move_to_a_new_value(self, customer: Customer) -> None:
        boss = customer.scim.create(userName="boss")
        manager = {"value": "boss", "$ref": boss["meta"]["location"]}
        ann = customer.scim.create(userName="ann", **{ENTERPRISE: {"manager": manager}})
        body = ann | {ENTERPRISE: {"manager": manager | {"value": "other"}}}

        replaced = customer.scim.request("PUT", f"/Users/{ann['id']}", body).json()
        assert replaced[ENTERPRISE]["manager"] == {"value": "other"}


class TestPatchPaths:
    """A value filter of a path selects what a GET shows."""

    def test_selection_by_link(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        path = f'{MENTORS}[$ref eq "{boss["meta"]["location"]}"]'
        patched = customer.scim.patch(report["id"], {"op": "replace", "path": f"{path}.type", "value": "lead"}).json()

        assert [mentor["type"] for mentor in patched[TEAM]["mentors"]] == ["lead", "home"]
        assert patched[TEAM]["mentors"][0]["$ref"] == boss["meta"]["location"]
        removed = customer.scim.patch(report["id"], {"op": "remove", "path": path}).json()
        assert removed[TEAM]["mentors"] == [{"value": "unknown", "type": "home"}]

    def test_removed_values_as_read(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        shown = customer.get(report).json()[TEAM]["mentors"]
        removed = customer.scim.patch(report["id"], {"op": "remove", "path": MENTORS, "value": shown[:1]}).json()

        assert removed[TEAM]["mentors"] == shown[1:]

    def test_added_values_as_read(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        before = customer.get(report).json()
        operations = [
            {"op": "add", "path": MENTORS, "value": before[TEAM]["mentors"]},
            {"op": "replace", "path": MANAGER, "value": before[ENTERPRISE]["manager"]},
        ]

        assert customer.scim.patch(report["id"], *operations).json() == before

    def test_new_manager_has_no_link_of_the_former_one(
        self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]
    ) -> None:
        operation = {"op": "replace", "path": f"{MANAGER}.value", "value": "other"}

        patched = customer.scim.patch(report["id"], operation).json()
        assert patched[ENTERPRISE]["manager"] == {"value": "other"}

    def test_removed_link_stays(self, customer: Customer, report: dict[str, Any], boss: dict[str, Any]) -> None:
        """The service decides which user a value identifies, as long as the client has not stored a ``$ref``."""
        before = customer.get(report).json()

        assert customer.scim.patch(report["id"], {"op": "remove", "path": f"{MANAGER}.$ref"}).json() == before
