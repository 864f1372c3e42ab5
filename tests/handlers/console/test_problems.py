"""The pages of open problems, from the requests of an identity provider to the sentences."""

import re

import pytest

from handlers.console.pages import problems
from handlers.health import HealthHandler
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import CORE, Endpoint, LambdaContext
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Visitor

Tenant = tuple[str, Endpoint]
ENTRA = {"user_agent": "Azure AD"}


def send_without_user_name(scim: Endpoint, number: int) -> None:
    """Send people whose userName is missing, as after a wrong mapping."""
    for index in range(number):
        body = {"schemas": [CORE], "externalId": f"person-{index}", "active": True}
        assert scim.request("POST", "/Users", body).status == 400


def read_summaries(text: str) -> list[str]:
    return re.findall(r'<section class="problem">\s*<h[23]>(.*?)</h[23]>', text)


class TestCustomerPage:
    def test_people_leave_the_problem_when_they_are_provisioned(
        self, tenant: Tenant, operator_visitor: Visitor
    ) -> None:
        name, scim = tenant
        page = f"/admin/tenants/{name}/problems"
        assert "No open problems." in operator_visitor.get(page).text
        send_without_user_name(scim, 3)
        text = operator_visitor.get(page).text
        assert read_summaries(text) == ["3 people lack userName."]
        assert f'/admin/tenants/{name}/users?search=person-0">person-0</a>' in text
        assert "map it to an attribute that every user has" in text
        scim.create(externalId="person-1")
        assert read_summaries(operator_visitor.get(page).text) == ["2 people lack userName."]
        for index in (0, 2):
            scim.create(externalId=f"person-{index}")
        assert "No open problems." in operator_visitor.get(page).text

    def test_status_has_their_number_and_each_kind_of_failure(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        page = f"/admin/tenants/{name}"
        assert "<dt>Open problems</dt><dd>none</dd>" in operator_visitor.get(page).text
        send_without_user_name(scim, 2)
        assert scim.request("POST", "/Groups", {"displayName": "Everybody"}).status == 501
        scim.request("GET", "/Users", authorization=f"Bearer {scim.token[:-9]}")
        text = operator_visitor.get(page).text
        assert f'<dt>Open problems</dt><dd><a href="{page}/problems">2 open problems</a></dd>' in text
        rows = dict(re.findall(r"<dt>([^<]*)</dt><dd>(at least \d+|\d+)", text))
        assert rows["Failed writes of users, today and yesterday"] == "2"
        assert rows["Other failed requests (queries, groups), today and yesterday"] == "1"
        assert rows["Requests with an expired or revoked token, today and yesterday"] == "0"
        assert rows["Requests with a malformed token, in the last 24 hours"] == "at least 1"

    def test_failed_update_is_resolved_by_a_later_one(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        user = scim.create(userName="ada@example.com")
        operation = {"op": "replace", "path": "active", "value": "perhaps"}
        assert scim.patch(user["id"], operation).status == 400
        text = operator_visitor.get(f"/admin/tenants/{name}/problems").text
        assert read_summaries(text) == ["1 person has a value of the wrong type in active."]
        assert ">ada@example.com</a>" in text  # the request has only the id
        assert scim.patch(user["id"], operation | {"value": False}).status == 200
        assert not read_summaries(operator_visitor.get(f"/admin/tenants/{name}/problems").text)

    def test_user_name_of_another_user_is_a_problem(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        user = scim.create(userName="ada@example.com")
        body = {"schemas": [CORE], "userName": "ADA@example.com"}
        assert scim.request("POST", "/Users", body).status == 409
        page = f"/admin/tenants/{name}/problems"
        summary = "1 person has a userName that another user already has."
        assert read_summaries(operator_visitor.get(page).text) == [summary]
        scim.patch(user["id"], {"op": "replace", "path": "displayName", "value": "Ada"})
        assert not read_summaries(operator_visitor.get(page).text)

    def test_email_address_finds_the_user(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        body = {"schemas": [CORE], "emails": [{"value": "eve@example.com"}]}
        assert scim.request("POST", "/Users", body).status == 400
        assert len(read_summaries(operator_visitor.get(f"/admin/tenants/{name}/problems").text)) == 1
        scim.create(emails=[{"value": "EVE@example.com"}])
        assert not read_summaries(operator_visitor.get(f"/admin/tenants/{name}/problems").text)

    def test_deletion_of_a_deleted_user_is_no_problem(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        user = scim.create()
        for status in (204, 404):
            assert scim.request("DELETE", f"/Users/{user['id']}").status == status
        assert scim.request("GET", f"/Users/{user['id']}").status == 404
        assert "No open problems." in operator_visitor.get(f"/admin/tenants/{name}/problems").text

    def test_groups_are_a_problem(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        assert scim.request("POST", "/Groups", {}).status == 501
        (summary,) = read_summaries(operator_visitor.get(f"/admin/tenants/{name}/problems").text)
        assert summary.startswith("The identity provider sends groups")

    def test_operator_can_copy_a_message_to_the_it_admin(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        send_without_user_name(scim, 7)
        for path in (f"/admin/tenants/{name}/problems", "/admin/problems"):
            message = operator_visitor.get(path).value(f"message-{name}-1")
            assert message.startswith("Hello,\n\nabout user provisioning:\n\n7 people lack userName. Since ")
            assert "What to do:\n- Correct the attribute mapping of userName: map it to" in message
            assert "People:\n- person-6\n" in message
            assert "\n- and 2 more\n" in message

    def test_it_admin_sees_no_message(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        send_without_user_name(scim, 1)
        guest = Visitor()
        accept(invite(operator_visitor, name), guest)
        text = guest.get(f"/admin/tenants/{name}/problems").text
        assert read_summaries(text) == ["1 person lacks userName."]
        assert "Message to the IT admin" not in text


class TestAllCustomers:
    def test_customers_with_most_problems_come_first(
        self, tenant: Tenant, operator_visitor: Visitor, operator: TenantService
    ) -> None:
        name, scim = tenant
        quiet, other = Endpoint(operator.connect("a-quiet").token), Endpoint(operator.connect("a-groups").token)
        quiet.create()
        assert other.request("POST", "/Groups", {}).status == 501
        assert scim.request("POST", "/Groups", {}).status == 501
        send_without_user_name(scim, 2)
        text = operator_visitor.get("/admin/problems").text
        assert re.findall(r"/admin/tenants/([\w-]+)/problems", text) == [name, "a-groups"]
        assert "2 of 3 customers on this page have open problems." in text

    def test_unreadable_customer_does_not_hide_others(
        self, tenant: Tenant, operator_visitor: Visitor, operator: TenantService, table: object
    ) -> None:
        _, scim = tenant
        operator.connect("a-broken")
        assert scim.request("POST", "/Groups", {}).status == 501
        table.update_item(  # type: ignore[attr-defined]
            Key={"pk": "A#a-broken", "sk": "A#settings"},
            UpdateExpression="SET #mode = :bad",
            ExpressionAttributeNames={"#mode": "extensions"},
            ExpressionAttributeValues={":bad": "no JSON"},
        )
        text = operator_visitor.get("/admin/problems").text
        assert 'could not be read in time: <a href="/admin/tenants/a-broken/problems">a-broken</a>' in text
        assert len(read_summaries(text)) == 1

    def test_further_customers_are_on_next_page(
        self, operator_visitor: Visitor, operator: TenantService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(problems, "_PAGE_SIZE", 2)
        for number in range(3):
            operator.connect(f"many-{number}")
        page = operator_visitor.get("/admin/problems")
        (link,) = (link for link in page.links if "page=" in link)
        assert link == "?page=1"
        assert "0 of 1 customers on this page" in operator_visitor.get(f"/admin/problems{link}").text

    def test_customers_with_problems_at_last_check_are_on_first_page(
        self, tenant: Tenant, operator_visitor: Visitor, operator: TenantService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(problems, "_PAGE_SIZE", 2)
        name, scim = tenant
        for number in range(3):
            operator.connect(f"a-quiet-{number}")
        send_without_user_name(scim, 2)
        assert "not checked yet" in operator_visitor.get("/admin").text
        assert name not in operator_visitor.get("/admin/problems").text
        HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]
        assert f"/admin/tenants/{name}/problems" in operator_visitor.get("/admin/problems").links
        assert f'<a href="/admin/tenants/{name}/problems">1</a>' in operator_visitor.get("/admin").text

    def test_customers_that_need_attention_are_named_first(
        self, tenant: Tenant, operator_visitor: Visitor, operator: TenantService
    ) -> None:
        name, scim = tenant
        operator.connect("a-quiet")
        assert "attention" not in operator_visitor.get("/admin").text
        send_without_user_name(scim, 2)
        HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]
        notice = operator_visitor.get("/admin").text.partition('<p class="alert">')[2].partition("</p>")[0]
        assert notice == f'1 customer needs attention: <a href="/admin/tenants/{name}/problems">{name}</a>'
        assert "attention" not in operator_visitor.get("/admin?after=a-quiet").text

    def test_notice_names_ten_customers(self, operator_visitor: Visitor, operator: TenantService) -> None:
        for number in range(12):
            endpoint = Endpoint(operator.connect(f"group-{number:02}").token)
            assert endpoint.request("POST", "/Groups", {}).status == 501
        HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]
        notice = operator_visitor.get("/admin").text.partition('<p class="alert">')[2].partition("</p>")[0]
        assert notice.startswith("12 customers need attention: ")
        assert notice.count("/problems") == 11
        assert notice.endswith(' and <a href="/admin/problems">2 more</a>')

    def test_healthy_customer_with_problems_leads_to_them(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        scim.create()
        send_without_user_name(scim, 1)
        HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]
        link = f'<a href="/admin/tenants/{name}/problems">'
        assert f"See the {link}open problems</a>" in operator_visitor.get("/admin").text

    def test_page_is_for_operators_only(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, _ = tenant
        access = operator_visitor.get(f"/admin/tenants/{name}/access")
        guest = Visitor()
        page = guest.get(operator_visitor.submit(access, access.form("/invite")).value("link"))
        guest.submit(page, page.forms[0])
        assert guest.get("/admin/problems").status == 404
        assert guest.get(f"/admin/tenants/{name}/problems").status == 200

    def test_list_of_customers_shows_state_as_badge(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        assert '<span class="badge neutral">no request yet</span>' in operator_visitor.get("/admin").text
        tenant[1].create()
        assert '<span class="badge good">healthy</span>' in operator_visitor.get("/admin").text
        send_without_user_name(tenant[1], 3)
        assert '<span class="badge bad">failing</span>' in operator_visitor.get("/admin").text
