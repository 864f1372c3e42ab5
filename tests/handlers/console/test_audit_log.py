"""The page of the audit log: its filter, its pages and its files."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from handlers.console.pages.audit_log import log_export
from scim.service.audit import log_pages
from scim.store import keys
from scim.wiring.runtime import new_id
from tests.endpoint import CORE, Endpoint
from tests.handlers.console.visitor import Visitor

Tenant = tuple[str, Endpoint]
ROW = re.compile(r"<tr data-key=.*?</tr>", re.DOTALL)
USER = re.compile(r'title="([^"]*@example\.com)"')


def fail_to_create(scim: Endpoint, user_name: str) -> None:
    body = {"schemas": [CORE], "userName": user_name, "active": "perhaps"}
    assert scim.request("POST", "/Users", body).status == 400


@pytest.fixture
def list_users(operator_visitor: Visitor, tenant: Tenant) -> Callable[[str], list[str]]:
    """Return a function that returns the users of the rows on the page with a query."""

    def list_users(query: str) -> list[str]:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/log?{query}")
        assert page.status == 200
        return USER.findall("".join(ROW.findall(page.text)))

    return list_users


def read_page_links(visitor: Visitor, url: str) -> tuple[list[str], dict[str, str]]:
    """Return the users on a page, and its links to other pages by their parameter."""
    page = visitor.get(url)
    links = {name: link for link in page.links for name in ("before", "after") if f"{name}=" in link}
    return USER.findall("".join(ROW.findall(page.text))), links


def test_pages_lead_to_the_first_entry_and_back(operator_visitor: Visitor, tenant: Tenant) -> None:
    name, scim = tenant
    users = [scim.create(userName=f"user-{number:03}@example.com")["userName"] for number in range(120)][::-1]
    here = f"/admin/tenants/{name}/log"

    first, links = read_page_links(operator_visitor, here)
    second, second_links = read_page_links(operator_visitor, here + links["before"])
    third, third_links = read_page_links(operator_visitor, here + second_links["before"])

    assert (first, second, third) == (users[:50], users[50:100], users[100:])
    assert (set(links), set(second_links), set(third_links)) == ({"before"}, {"before", "after"}, {"after"})
    assert read_page_links(operator_visitor, here + third_links["after"])[0] == second
    assert read_page_links(operator_visitor, here + second_links["after"])[0] == first


def test_each_entry_has_its_age_and_exact_time(operator_visitor: Visitor, tenant: Tenant) -> None:
    tenant[1].create(userName="ada@example.com")

    row = ROW.findall(operator_visitor.get(f"/admin/tenants/{tenant[0]}/log").text)[0]

    assert re.search(
        r'<time datetime="[-\d]+T[:.\d]+Z" title="\d\d \w+ \d+, \d\d:\d\d:\d\d UTC" data-age="\d+">just now</time>', row
    )


class TestFilter:
    def test_unknown_operation_and_rule_get_a_hint(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        tenant[1].create()
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/log?operation=creat&rule=missing")
        assert "Unknown: creat. Possible values: " in page.text
        assert "Unknown: missing. Possible values: " in page.text
        assert "<p>0 entries. Filtered." in page.text

    def test_known_operation_gets_no_hint(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        tenant[1].create()
        here = f"/admin/tenants/{tenant[0]}/log"
        assert "<p>1 entry. Filtered." in operator_visitor.get(f"{here}?operation=Create").text
        assert "Unknown:" not in operator_visitor.get(f"{here}?operation=Create&rule=type").text

    @pytest.mark.parametrize(
        ("query", "users"),
        [
            ("person=ada@example.com", ["ada", "ada", "ada"]),
            ("person=ADA@example.com", ["ada", "ada", "ada"]),
            ("person=e-1", ["ada", "ada", "ada"]),
            ("person=eve@example.com", ["eve", "eve"]),
            ("person=nobody", []),
            ("operation=create", ["cleo", "bob", "eve", "ada"]),
            ("operation=Patch", ["ada", "ada"]),
            ("status=400", ["ada", "bob"]),
            ("status=failed", ["ada", "bob"]),
            ("status=partly-ignored", ["ada"]),
            ("status=failures", ["ada", "ada", "bob"]),
            ("status=succeeded", ["cleo", "eve", "eve", "ada"]),
            ("status=201", ["cleo", "eve", "ada"]),
            ("status=409", []),
            ("rule=type", ["ada", "bob"]),
            ("rule=type&person=bob@example.com", ["bob"]),
            ("since=2999-01-01", []),
            ("until=2026-01-01T00:00", []),
            ("since=2026-01-01T00:00&until=2999-01-01T00:00:00Z&operation=delete", ["eve"]),
        ],
    )
    def test_filter_selects_entries(
        self, tenant: Tenant, list_users: Callable[[str], list[str]], query: str, users: list[str]
    ) -> None:
        """Eve is deleted. Ada has a change, a failure and a request that was partly ignored."""
        _, scim = tenant
        ada = scim.create(userName="ada@example.com", externalId="e-1")["id"]
        eve = scim.create(userName="eve@example.com")["id"]
        assert scim.request("DELETE", f"/Users/{eve}").status == 204
        fail_to_create(scim, "bob@example.com")
        assert scim.patch(ada, {"op": "replace", "path": "departmentName", "value": "Kitchen"}).status == 200
        assert scim.patch(ada, {"op": "replace", "path": "active", "value": "perhaps"}).status == 400
        scim.create(userName="cleo@example.com")

        assert sorted(list_users(query)) == sorted(f"{user}@example.com" for user in users)

    def test_request_is_found_by_its_id(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        scim.create(userName="ada@example.com")
        scim.create(userName="bob@example.com")
        page = operator_visitor.get(f"/admin/tenants/{name}/log")
        links = [link for link in page.links if "request=" in link]

        assert USER.findall(operator_visitor.get(links[1]).text) == ["ada@example.com"]

    def test_form_and_links_keep_the_filter(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        for number in range(51):
            scim.create(userName=f"user-{number}@example.com")
        query = "operation=create&status=201&since=2026-01-31T09%3A30&rule=&until="

        page = operator_visitor.get(f"/admin/tenants/{name}/log?{query}")

        form = page.form("/log")
        assert {name: value for name, value in form.fields.items() if value} == {
            "operation": "create",
            "status": "201",
            "since": "2026-01-31T09:30:00",
        }
        (older,) = (link for link in page.links if "before=" in link)
        assert older.startswith("?operation=create&status=201&since=2026-01-31T09%3A30%3A00.000Z&before=")
        assert (
            f"/admin/tenants/{name}/log.csv?operation=create&status=201&since=2026-01-31T09%3A30%3A00.000Z"
            in page.links
        )

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("status=many", "The status in the filter"),
            ("status=%EF%BC%94%EF%BC%90%EF%BC%90", "The status in the filter"),
            ("since=yesterday", "A time in the filter is malformed"),
            ("until=0001-01-01T00:00%2B14:00", "A time in the filter is malformed"),
        ],
    )
    def test_malformed_filter_is_400(self, tenant: Tenant, operator_visitor: Visitor, query: str, message: str) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/log?{query}")
        assert (page.status, message in page.text) == (400, True)

    def test_search_for_rare_entries_is_continued(
        self, tenant: Tenant, operator_visitor: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A page that has read its share of the records says how far it came, in both directions."""
        monkeypatch.setattr(log_pages, "MAX_RECORDS", 30)
        name, scim = tenant
        here = f"/admin/tenants/{name}/log"
        created = [scim.create(userName=f"user-{number:02}@example.com") for number in range(80)]
        scim.patch(created[0]["id"], {"op": "replace", "path": "title", "value": "Cook"})
        scim.request("DELETE", f"/Users/{created[0]['id']}")

        pages, query = [], "?operation=connect"
        while query:
            page = operator_visitor.get(here + query)
            pages.append("Connected the customer" in page.text)
            assert ("Searched back to" in page.text) is (len(pages) < 3)
            query = next((link for link in page.links if "before=" in link), "")

        assert pages == [False, False, True]
        (newer,) = (link for link in page.links if "after=" in link)
        back = operator_visitor.get(here + newer)
        assert "Searched up to" in back.text

    def test_newest_entries_are_followed(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        for number in range(51):
            scim.create(userName=f"user-{number}@example.com")
        here = f"/admin/tenants/{name}/log"

        page = operator_visitor.get(f"{here}?operation=create")
        (older,) = (link for link in page.links if "before=" in link)

        assert f'data-refresh="10" data-refresh-url="{here}?operation=create"' in page.text
        assert 'data-refresh="30"' in operator_visitor.get(f"{here}?person=user-1@example.com").text
        assert "data-refresh=" not in operator_visitor.get(here + older).text


class TestFiles:
    def test_csv_has_the_entries_that_match(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        scim.create(userName="=ada@example.com")
        fail_to_create(scim, "bob@example.com")

        response = operator_visitor.get(f"/admin/tenants/{name}/log.csv?operation=create")
        rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"), newline="")))

        assert response.headers["content-disposition"] == f'attachment; filename="audit-log-{name}.csv"'
        assert [(row["kind"], row["user"], row["status"], row["count"]) for row in rows] == [
            ("failure", "bob@example.com", "400", "1"),
            ("change", "'=ada@example.com", "201", "1"),
        ]
        assert (rows[0]["attributes_sent"], rows[0]["is_repeating"]) == ("userName, active", "false")
        assert "link" not in response.headers

    def test_json_lines_have_the_members_of_the_command(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, scim = tenant
        scim.create(userName="ada@example.com")

        response = operator_visitor.get(f"/admin/tenants/{name}/log.jsonl?person=ada@example.com")

        (entry,) = map(json.loads, response.text.splitlines())
        assert (entry["user"], entry["attributes_sent"], entry["kind"]) == ("ada@example.com", ["userName"], "change")

    @pytest.mark.parametrize(("limit", "value"), [("PAGES_PER_FILE", 2), ("MAX_FILE_BYTES", 1)])
    def test_file_that_ends_early_leads_to_the_next(
        self, tenant: Tenant, operator_visitor: Visitor, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
    ) -> None:
        monkeypatch.setattr(log_pages, "MAX_RECORDS", 10)
        monkeypatch.setattr(log_export, limit, value)
        name, scim = tenant
        users = [scim.create(userName=f"user-{number:02}@example.com")["userName"] for number in range(45)][::-1]

        found, url, count = [], f"/admin/tenants/{name}/log.jsonl", 0
        while url:
            response = operator_visitor.get(url)
            entries = [json.loads(line) for line in response.text.splitlines()]
            found += [entry["user"] for entry in entries if entry["kind"] == "change"]
            count += 1
            link = response.headers.get("link", "")
            assert (entries[-1]["kind"] == "continued") is bool(link)
            url = link.removeprefix("<https://scim.example.com").removesuffix('>; rel="next"')
            assert not link or url in entries[-1]["summary"]

        assert found == users
        assert count > 2

    def test_files_of_an_it_admin_do_not_name_the_operator(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        name, _ = tenant
        access = operator_visitor.get(f"/admin/tenants/{name}/access")
        invited = operator_visitor.submit(access, access.form("/invite"))
        guest = Visitor()
        invitation = guest.get(invited.value("link"))
        guest.submit(invitation, invitation.forms[0])

        for extension in ("csv", "jsonl"):
            assert "console:operator" in operator_visitor.get(f"/admin/tenants/{name}/log.{extension}").text
            assert "console:operator" not in guest.get(f"/admin/tenants/{name}/log.{extension}").text

    def test_malformed_filter_is_400(self, tenant: Tenant, operator_visitor: Visitor) -> None:
        assert operator_visitor.get(f"/admin/tenants/{tenant[0]}/log.csv?since=soon").status == 400


def test_changes_of_a_person_are_found_by_key(operator_visitor: Visitor, tenant: Tenant, table: Any) -> None:
    """Many changes of other users do not hide those of a user."""
    name, scim = tenant
    ada = scim.create(userName="ada@example.com")
    record = table.get_item(Key={"pk": f"T#{name}", "sk": keys.change_record_key(ada["id"], 1)})["Item"]
    later = "2999-01-01T00:00:00.000Z"
    with table.batch_writer() as batch:
        for _ in range(log_pages.MAX_RECORDS + 100):
            other = {"sk": keys.change_record_key(new_id(), 1), "at": later, "time": f"C#{later}", "userName": "bob"}
            batch.put_item(Item=record | other)

    page = operator_visitor.get(f"/admin/tenants/{name}/log?person={quote('ada@example.com')}")

    assert USER.findall(page.text) == ["ada@example.com"]
    assert "Searched back" not in page.text
    unknown = operator_visitor.get(f"/admin/tenants/{name}/log?person=unknown")
    assert "Searched back to 01 Jan 2999" in unknown.text
