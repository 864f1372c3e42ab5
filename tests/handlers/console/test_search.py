"""The search over all customers in the console."""

import json
import re
import time
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.client import BaseClient

from scim.protocol.errors import Unavailable
from scim.service.search import customer_search
from scim.service.search.person_card import PersonCardBuilder
from scim.service.tenants.tenant_service import TenantService
from scim.store.search import match_store
from scim.wiring import runtime
from scim.wiring import search as wiring_search
from tests.endpoint import CORE, Endpoint, LambdaContext
from tests.events.history import build_stream_record
from tests.handlers.console.conftest import HOSTILE
from tests.handlers.console.visitor import Page, Visitor
from tests.handlers.tenants import get_tenant_id
from tests.template.deployment import build_changes_handler
from tests.throttling import throttle_tenant

Customer = tuple[str, Endpoint]


@pytest.fixture(autouse=True)
def _long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on the speed of the machine."""
    monkeypatch.setattr(wiring_search, "SEARCH_TIMEOUT_S", 200.0)


def search(visitor: Visitor, text: str, after: str = "") -> Page:
    page = visitor.get(f"/admin/search?q={quote(text)}" + (f"&after={after}" if after else ""))
    assert page.status == 200, page.text
    return page


def create_invalid_user(scim: Endpoint, user_name: str = "grace@example.com") -> None:
    body = {"schemas": [CORE], "userName": user_name, "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400


class TestAccess:
    def test_box_is_on_every_page_of_operator(self, operator_visitor: Visitor, tenant: Customer) -> None:
        for path in ("/admin", f"/admin/tenants/{tenant[0]}", "/admin/search?q=nobody"):
            page = operator_visitor.get(path)
            assert page.form("/search").method == "get"

    def test_box_keeps_searched_text(self, operator_visitor: Visitor) -> None:
        assert search(operator_visitor, "ada@example.com").value("search") == "ada@example.com"

    def test_guest_has_no_search(self, operator_visitor: Visitor, tenant: Customer) -> None:
        access = operator_visitor.get(f"/admin/tenants/{tenant[0]}/access")
        link = operator_visitor.submit(access, access.form("/invite")).value("link")
        guest = Visitor()
        page = guest.submit(invitation := guest.get(link), invitation.forms[0])
        assert "/search" not in "".join(form.action for form in page.forms)
        assert guest.get("/admin/search?q=ada@example.com").status == 404

    def test_visitor_is_asked_to_sign_in(self, table: object) -> None:
        assert Visitor().send("GET", "/admin/search?q=ada").status == 303

    def test_hostile_text_is_escaped(self, operator_visitor: Visitor, tenant: Customer) -> None:
        create_invalid_user(tenant[1], HOSTILE)
        assert HOSTILE not in search(operator_visitor, HOSTILE).text

    def test_empty_text_explains_search(self, operator_visitor: Visitor) -> None:
        assert "The search needs the whole value." in search(operator_visitor, " ").text


class TestPeople:
    @pytest.mark.parametrize("text", ["ADA@example.com", "E-1", "ada@work.example", "id"])
    def test_user_is_found_by_each_identifier(self, operator_visitor: Visitor, tenant: Customer, text: str) -> None:
        name, scim = tenant
        user = scim.create(userName="ada@example.com", externalId="E-1", emails=[{"value": "ada@work.example"}])
        page = search(operator_visitor, user["id"] if text == "id" else text)
        assert "ada@example.com has been active since" in page.text
        assert "1 result for" in page.text
        assert f"/admin/tenants/{name}/users/{user['id']}" in page.links
        assert "look at the sign-in of your product" in page.text

    def test_inactive_user(self, operator_visitor: Visitor, tenant: Customer) -> None:
        tenant[1].create(userName="ada@example.com", active=False)
        page = search(operator_visitor, "ada@example.com")
        assert ">Inactive</span>" in page.text
        assert "ada@example.com has been inactive since" in page.text
        assert "Assign or enable the person in the identity provider" in page.text

    def test_unprovisioned_person_has_remediation(self, operator_visitor: Visitor, tenant: Customer) -> None:
        create_invalid_user(tenant[1])
        page = search(operator_visitor, "GRACE@example.com")
        assert ">Not provisioned</span>" in page.text
        assert "was not provisioned: the newest create request failed with 400" in page.text
        assert "What to change:" in page.text
        assert f"/admin/tenants/{tenant[0]}/users?search=GRACE%40example.com" in page.links

    def test_failure_after_last_change(self, operator_visitor: Visitor, tenant: Customer) -> None:
        user = tenant[1].create(userName="ada@example.com")
        assert tenant[1].patch(user["id"], {"op": "replace", "path": "active", "value": "perhaps"}).status == 400
        page = search(operator_visitor, "ada@example.com")
        assert "and the newest patch request failed with 400" in page.text

    def test_deleted_user_is_found_by_id(self, operator_visitor: Visitor, tenant: Customer) -> None:
        user = tenant[1].create(userName="ada@example.com")
        tenant[1].request("DELETE", f"/Users/{user['id']}")
        page = search(operator_visitor, user["id"])
        assert ">Deleted</span>" in page.text
        assert "ada@example.com was deleted by the identity provider at" in page.text

    def test_users_with_same_email_have_two_cards(self, operator_visitor: Visitor, tenant: Customer) -> None:
        for number in range(2):
            tenant[1].create(userName=f"user-{number}", emails=[{"value": "team@example.com"}])
        assert "2 results for" in search(operator_visitor, "team@example.com").text

    def test_unknown_person_lists_what_was_searched(self, operator_visitor: Visitor, tenant: Customer) -> None:
        text = "nobody@example.com"
        page = search(operator_visitor, text)
        assert "No customer that was searched has" in page.text
        assert f"/admin/tenants/{tenant[0]}/users?search={quote(text)}" in page.links  # for a part of a name
        assert "userName: 1 customer" in page.text
        assert "externalId, email address, identifier in a failed request: 1 customer" in page.text
        assert "incomplete" not in page.text

    def test_message_for_it_admin_has_fix_and_request_id(self, operator_visitor: Visitor, tenant: Customer) -> None:
        create_invalid_user(tenant[1])
        page = search(operator_visitor, "grace@example.com")
        message = page.text.partition("<textarea")[2].partition("</textarea>")[0]
        assert "about the provisioning of grace@example.com" in message
        assert "What to change:" in message
        assert ", request id " in message

    def test_problem_of_customer_comes_first(
        self, operator_visitor: Visitor, tenant: Customer, operator: TenantService
    ) -> None:
        tenant[1].create(userName="ada@example.com")
        operator.disconnect(tenant[0])
        fixes = search(operator_visitor, "ada@example.com").text.partition("What to do</h3>")[2]
        assert fixes.index("is disconnected") < fixes.index("</li>")


def process_changes() -> None:
    """Let the function of the stream publish all changes in the table."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    records = [build_stream_record(item) for item in scanned if item["sk"]["S"].startswith("C#")]
    assert build_changes_handler()({"Records": records}, LambdaContext()) == {"batchItemFailures": []}


def get_request_id(tenant_id: str, user_id: str) -> str:
    """Return the id of the request that created a user."""
    key = {"pk": {"S": f"T#{tenant_id}"}, "sk": {"S": f"C#{user_id}#{1:010d}"}}
    item: Any = boto3.client("dynamodb").get_item(TableName="muster", Key=key)["Item"]
    return str(item["request"]["S"])


@pytest.mark.usefixtures("bus")
class TestEvents:
    def test_event_is_not_yet_accepted(self, operator_visitor: Visitor, tenant: Customer) -> None:
        tenant[1].create(userName="ada")
        assert "Not yet accepted by EventBridge" in search(operator_visitor, "ada").text

    def test_event_is_accepted(self, operator_visitor: Visitor, tenant: Customer) -> None:
        tenant[1].create(userName="ada")
        process_changes()
        assert "Accepted by EventBridge at" in search(operator_visitor, "ada").text

    def test_event_of_newest_change_counts(self, operator_visitor: Visitor, tenant: Customer) -> None:
        user = tenant[1].create(userName="ada")
        process_changes()
        assert tenant[1].patch(user["id"], {"op": "replace", "path": "active", "value": False}).status == 200
        assert "Not yet accepted by EventBridge" in search(operator_visitor, "ada").text

    def test_old_change_without_record_is_unknown(
        self, operator_visitor: Visitor, tenant: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant[1].create(userName="ada")
        tomorrow = time.time() + 90_000
        monkeypatch.setattr(runtime, "current_time", lambda: tomorrow)
        assert "Unknown: no acceptance by EventBridge is recorded" in search(operator_visitor, "ada").text

    def test_write_is_found_by_request_id(self, operator_visitor: Visitor, tenant: Customer) -> None:
        name, scim = tenant
        user = scim.create(userName="ada@example.com")
        process_changes()
        page = search(operator_visitor, get_request_id(name, user["id"]))
        assert "Found by request id" in page.text
        assert "ada@example.com has been active since" in page.text

    def test_deleted_user_is_found_by_request_id(self, operator_visitor: Visitor, tenant: Customer) -> None:
        name, scim = tenant
        user = scim.create(userName="ada@example.com")
        scim.request("DELETE", f"/Users/{user['id']}")
        process_changes()
        assert ">Deleted</span>" in search(operator_visitor, get_request_id(name, user["id"])).text


class TestFailedRequests:
    @pytest.fixture
    def request_id(self, tenant: Customer) -> str:
        """The id of the failed request to create a user."""
        create_invalid_user(tenant[1])
        return read_failed_request_id(tenant[0])

    def test_unprovisioned_person(self, operator_visitor: Visitor, tenant: Customer, request_id: str) -> None:
        page = search(operator_visitor, request_id)
        assert "Found by id of a failed request" in page.text
        assert "grace@example.com was not provisioned: the newest create request failed with 400" in page.text

    def test_earlier_request_of_repeated_failure(
        self, operator_visitor: Visitor, tenant: Customer, request_id: str
    ) -> None:
        create_invalid_user(tenant[1])
        assert "grace@example.com was not provisioned" in search(operator_visitor, request_id).text

    def test_user_with_that_name(self, operator_visitor: Visitor, tenant: Customer) -> None:
        tenant[1].create(userName="ada@example.com")
        body = {"schemas": [CORE], "userName": "ada@example.com"}
        assert tenant[1].request("POST", "/Users", body).status == 409
        page = search(operator_visitor, read_failed_request_id(tenant[0]))
        assert ">Active</span>" in page.text
        assert "and the newest create request failed with 409" in page.text

    def test_request_without_person(self, operator_visitor: Visitor, tenant: Customer) -> None:
        assert tenant[1].request("GET", "/Users?filter=zaphod").status == 400
        page = search(operator_visitor, read_failed_request_id(tenant[0]))
        assert ">No person</span>" in page.text
        assert "names no user, and failed with 400" in page.text
        assert "What to change:" in page.text

    def test_request_without_person_leads_to_its_log_entry(
        self, operator_visitor: Visitor, tenant: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name, scim = tenant
        assert scim.request("GET", "/Users?filter=zaphod").status == 400
        request_id = read_failed_request_id(name)
        create_invalid_user(scim)
        link = f"/admin/tenants/{name}/log?request={request_id}"
        assert search(operator_visitor, request_id).links.count(link) == 2
        log = operator_visitor.get(link).text
        assert log.count("<tr data-key=") == 1
        assert request_id in log
        monkeypatch.setattr(customer_search, "MAX_CARDS", 0)
        assert link in search(operator_visitor, request_id).links

    def test_link_leads_to_the_last_of_repeated_requests(self, operator_visitor: Visitor, tenant: Customer) -> None:
        """The log has a repeated failure once, with the id of the last request."""
        name, scim = tenant
        assert scim.request("GET", "/Users?filter=zaphod").status == 400
        first_id = read_failed_request_id(name)
        assert scim.request("GET", "/Users?filter=zaphod").status == 400
        last_id = read_failed_request_id(name)
        assert first_id != last_id
        assert f"/admin/tenants/{name}/log?request={last_id}" in search(operator_visitor, first_id).links

    def test_people_of_bulk_request(self, operator_visitor: Visitor, tenant: Customer) -> None:
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": name,
                "data": {"schemas": [CORE], "userName": name, "active": 7},
            }
            for name in ("ada", "grace")
        ]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        assert tenant[1].request("POST", "/Bulk", body).status == 200
        page = search(operator_visitor, read_failed_request_id(tenant[0]))
        for name in ("ada", "grace"):
            assert f"{name} was not provisioned" in page.text

    def test_large_bulk_request_says_how_much_is_not_listed(
        self, operator_visitor: Visitor, tenant: Customer, bus: object
    ) -> None:
        """Twelve people are created, and ten of them are found. Seven fail, and five of them are found."""
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": str(number),
                "data": {"schemas": [CORE], "userName": f"person-{number}", "active": number >= 7 or "perhaps"},
            }
            for number in range(19)
        ]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        assert tenant[1].request("POST", "/Bulk", body).status == 200
        process_changes()
        request_id = read_failed_request_id(tenant[0])
        page = search(operator_visitor, request_id)
        assert f"has 19 changes and failures at {tenant[0]}. This page lists 15 of its people." in page.text
        path = f"/admin/tenants/{tenant[0]}/log?request={quote(request_id)}"
        assert path in page.links
        log = operator_visitor.get(path).text
        assert all(f"person-{number}" in log for number in range(19))

    def test_bulk_request_whose_people_are_listed_has_no_hint(
        self, operator_visitor: Visitor, tenant: Customer, request_id: str
    ) -> None:
        assert "changes and failures at" not in search(operator_visitor, request_id).text

    def test_request_of_other_customer_is_found_there(
        self, operator_visitor: Visitor, tenant: Customer, request_id: str, connect: Any
    ) -> None:
        connect()
        page = search(operator_visitor, request_id)
        assert "1 result for" in page.text
        assert f"/admin/tenants/{tenant[0]}" in page.links

    def test_expired_record_is_ignored(
        self, operator_visitor: Visitor, request_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 40 * 86_400
        monkeypatch.setattr(runtime, "current_time", lambda: later)
        assert "No customer that was searched has" in search(operator_visitor, request_id).text


class TestRejectedTokens:
    """Requests that the customer sees with a 401 and a request id."""

    def test_request_with_revoked_token(self, operator_visitor: Visitor, tenant: Customer, operator: Any) -> None:
        name, scim = tenant
        operator.tokens.revoke(name)
        assert scim.request("GET", "/Users").status == 401
        page = search(operator_visitor, read_rejected_request_id(name, "X#"))
        assert "Found by id of a failed request" in page.text
        assert "The request was rejected with 401 because of its token." in page.text

    def test_request_with_malformed_token(self, operator_visitor: Visitor, tenant: Customer) -> None:
        name, scim = tenant
        assert scim.request("GET", "/Users", authorization=f"Bearer Bearer {scim.token}").status == 401
        page = search(operator_visitor, read_rejected_request_id(name, "Y#"))
        assert "The request was rejected with 401 because of its token." in page.text
        assert "enter the token without the word Bearer" in page.text

    def test_card_names_the_request(self, operator_visitor: Visitor, tenant: Customer, operator: Any) -> None:
        name, scim = tenant
        operator.tokens.revoke(name)
        scim.request("GET", "/Users")
        request_id = read_rejected_request_id(name, "X#")
        assert f"Request id {request_id}" in search(operator_visitor, request_id).text

    def test_first_requests_of_a_minute_are_found(
        self, operator_visitor: Visitor, tenant: Customer, operator: Any
    ) -> None:
        """Only the last request of the count is named in the log, but the search finds the others."""
        name, scim = tenant
        operator.tokens.revoke(name)
        for _ in range(3):
            scim.request("GET", "/Users")
        (first, *others) = read_failed_request_keys(name)
        assert len(others) == 2
        for sort_key in (first, *others):
            page = search(operator_visitor, sort_key.removeprefix("R#"))
            assert "The request was rejected with 401 because of its token." in page.text
            log = operator_visitor.get(f"/admin/tenants/{name}/log?request={quote(sort_key.removeprefix('R#'))}")
            assert log.text.count(">authenticate<") == 1


def read_rejected_request_id(tenant_id: str, prefix: str) -> str:
    """Return the id of the request in the only count of rejected (``X#``) or malformed (``Y#``) tokens of a tenant."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    (count,) = [item for item in scanned if item["sk"]["S"].startswith(prefix)]
    assert count["pk"]["S"] == f"F#{tenant_id}"
    return str(count["request"]["S"])


def read_failed_request_keys(tenant_id: str) -> list[str]:
    """Return the sort keys of all records of a tenant's failed requests."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    return [item["sk"]["S"] for item in scanned if item["pk"]["S"] == f"F#{tenant_id}" and item["sk"]["S"][:2] == "R#"]


def read_failed_request_id(tenant_id: str) -> str:
    """Return the id of the only failed request of a tenant, which its log line and response have, too."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    (failure, *_) = [json.loads(item["failure"]["S"]) for item in scanned if "failure" in item]
    assert {item["pk"]["S"] for item in scanned if "failure" in item} == {f"F#{tenant_id}"}
    return str(failure["request_id"])


class TestManyCustomers:
    def test_card_for_each_customer(self, operator_visitor: Visitor, connect: Any) -> None:
        endpoints = [connect() for _ in range(3)]
        for scim in endpoints:
            scim.create(userName="ada@example.com")
        page = search(operator_visitor, "ada@example.com")
        for scim in endpoints:
            assert f"/admin/tenants/{get_tenant_id(scim)}" in page.links

    def test_matches_beyond_cards_are_links(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(customer_search, "MAX_CARDS", 1)
        users = {get_tenant_id(scim): scim.create(userName="ada")["id"] for scim in (connect(), connect())}
        page = search(operator_visitor, "ada")
        assert page.text.count("<article") == 1
        assert "Other results" in page.text
        for tenant_id, user_id in users.items():
            assert f"/admin/tenants/{tenant_id}/users/{user_id}" in page.links

    def test_matches_beyond_cards_have_their_state(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(customer_search, "MAX_CARDS", 0)
        monkeypatch.setattr(match_store, "LOOKUP_TIMEOUT_S", 200.0)
        names = ["active-1", "inactive-2", "active-3"]
        endpoints = sorted((connect() for _ in names), key=get_tenant_id)
        for scim, name in zip(endpoints, names, strict=True):
            scim.create(userName=name, externalId="E-1", active=name.startswith("active"))
        text = search(operator_visitor, "E-1").text
        found = re.findall(r': ([\w-]+)</a> <span class="state \w+">(\w+)</span>, found by externalId', text)
        assert found == [("inactive-2", "Inactive"), ("active-1", "Active"), ("active-3", "Active")]

    def test_matches_are_listed_without_state_if_users_cannot_be_read(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise Unavailable("The database did not answer.")

        monkeypatch.setattr(customer_search, "MAX_CARDS", 0)
        monkeypatch.setattr(match_store.DynamoDBMatchStore, "read_users", fail)
        user_id = connect().create(userName="ada")["id"]
        text = search(operator_visitor, "ada").text
        assert f": {user_id}</a>, found by userName" in text

    def test_customer_that_does_not_answer_hides_no_results(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        healthy, throttled = connect(), connect()
        for scim in (healthy, throttled):
            scim.create(userName=f"user-of-{get_tenant_id(scim)}", externalId="ada")
        throttle_tenant(get_tenant_id(throttled), monkeypatch)
        page = search(operator_visitor, "ada")
        assert f"user-of-{get_tenant_id(healthy)} has been active since" in page.text
        assert "These customers could not be searched:" in page.text
        assert f"/admin/tenants/{get_tenant_id(throttled)}/users?search=ada" in page.links

    def test_person_without_card_was_searched(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only the details are missing, so the search itself is complete."""

        def fail(*_: object) -> None:
            raise Unavailable("The database did not answer.")

        scim = connect()
        user_id = scim.create(userName="ada")["id"]
        monkeypatch.setattr(PersonCardBuilder, "build", fail)
        page = search(operator_visitor, "ada")
        assert "could not be searched" not in page.text
        assert "The search is incomplete" not in page.text
        assert "1 result for <strong>ada</strong>." in page.text
        notice = page.text.partition("The details of results at these customers could not be read in time")[2]
        assert get_tenant_id(scim) in notice.partition("</p>")[0]
        assert f"/admin/tenants/{get_tenant_id(scim)}/users/{user_id}" in page.links

    def test_search_continues_with_other_customers(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoints = sorted((connect() for _ in range(3)), key=get_tenant_id)
        endpoints[2].create(userName="grace", externalId="e-7")
        monkeypatch.setattr(customer_search, "MAX_QUERIES", 3)  # a text without @ takes three queries
        first = search(operator_visitor, "e-7")
        assert "Search the other 2 customers" in first.text
        (link,) = [link for link in first.links if "after=" in link]
        second = operator_visitor.get(f"/admin/search{link}")
        (link,) = [link for link in second.links if "after=" in link]
        third = operator_visitor.get(f"/admin/search{link}")
        assert "grace has been active since" in third.text
        assert "incomplete" not in third.text

    def test_whole_keys_are_read_at_customers_that_are_not_queried(
        self, operator_visitor: Visitor, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoints = sorted((connect() for _ in range(3)), key=get_tenant_id)
        endpoints[2].create(userName="ada")
        monkeypatch.setattr(customer_search, "MAX_QUERIES", 3)
        assert "ada has been active since" in search(operator_visitor, "ada").text

    def test_search_that_runs_out_of_time_says_so(
        self, operator_visitor: Visitor, tenant: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(match_store, "LOOKUP_TIMEOUT_S", 1.0)  # less than the time of one call
        page = search(operator_visitor, "ada")
        assert "The search is incomplete" in page.text
        assert f"/admin/tenants/{tenant[0]}/users?search=ada" in page.links
        assert "No customer that was searched has" not in page.text


class TestCalls:
    @pytest.mark.parametrize(("customers", "most"), [(1, 5), (50, 153)])
    def test_calls_without_matches(
        self, operator_visitor: Visitor, operator: TenantService, calls: list[str], customers: int, most: int
    ) -> None:
        """The session, the list of tenants, one read for 25 tenants, and three queries for each."""
        for number in range(customers):
            operator.connect(f"calls-{number}")
        calls.clear()
        search(operator_visitor, "nobody@example.com")
        assert len(calls) <= most + 1

    def test_calls_of_card(self, operator_visitor: Visitor, tenant: Customer, calls: list[str]) -> None:
        tenant[1].create(userName="ada@example.com", externalId="E-1", emails=[{"value": "ada@work.example"}])
        search(operator_visitor, "nobody@example.com")
        without = len(calls)
        calls.clear()
        search(operator_visitor, "ada@example.com")
        assert len(calls) - without <= 13


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations of DynamoDB that were called."""
    called: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def count(self: Any, operation: str, arguments: Any) -> Any:
        called.append(operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return called
