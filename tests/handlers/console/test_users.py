"""The list of users, and the page of a user."""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handlers.console.pages.users import user_list
from scim.protocol.schema import load_user_type
from scim.service.model.timestamps import parse_rfc3339
from scim.service.references.link_task import LinkTask
from scim.service.references.reference_resolver import ReferenceResolver
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.store.links import DynamoDBLinkStore
from scim.store.query import list_page
from scim.wiring import runtime
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import ENTERPRISE, Endpoint
from tests.handlers.console.visitor import Page, Visitor
from tests.tokens import raise_fault

Tenant = tuple[str, Endpoint]


def list_names(page: Page) -> list[str]:
    """Return the user names in the list of a page."""
    return [html.unescape(name) for name in re.findall(r'<th scope="row"><a href="[^"]*">(.*?)</a>', page.text)]


def follow(visitor: Visitor, page: Page, title: str) -> Page:
    """Open the link with this title."""
    (address,) = re.findall(f'<a href="([^"]*)"[^>]*>{re.escape(title)}</a>', page.text)
    return visitor.get(html.unescape(address))


def read_pages(visitor: Visitor, page: Page, title: str = "Next page") -> Iterator[Page]:
    """Yield a page and those that follow it."""
    yield page
    while f">{title}</a>" in page.text:
        page = follow(visitor, page, title)
        yield page


@pytest.fixture
def link(settings: Settings, tenant: Tenant) -> Callable[[dict[str, Any]], None]:
    """Return a function that runs the link task of the creation of a user."""

    def link(user: dict[str, Any]) -> None:
        adapters = build_scim_api_adapters(settings, raise_fault)
        table = adapters.open_table(runtime.create_deadline(29))
        store = DynamoDBLinkStore(table, adapters.resource_store_config, tenant[0], load_user_type())
        task = LinkTask(tenant[0], user["id"], 1, True, frozenset(), frozenset(), "r1")
        ReferenceResolver(store, load_user_type(), time.time).run(task)

    return link


def build_manager(value: str) -> dict[str, Any]:
    """Return the attribute of a user with this manager."""
    return {ENTERPRISE: {"manager": {"value": value}}}


@pytest.fixture
def users_path(tenant: Tenant) -> str:
    return f"/admin/tenants/{tenant[0]}/users"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_list, "PAGE_SIZE", 3)


class TestList:
    def test_inactive_users_are_listed_with_their_state(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim = tenant[1]
        monkeypatch.setattr("scim.wiring.runtime.current_time", lambda: parse_rfc3339("2026-01-01T10:00:00.000Z"))
        ada = scim.create(userName="ada", displayName="Ada Lovelace", emails=[{"value": "ada@x"}], externalId="17")
        scim.create(userName="bob")
        monkeypatch.setattr("scim.wiring.runtime.current_time", lambda: parse_rfc3339("2026-02-02T10:00:00.000Z"))
        scim.patch(ada["id"], {"op": "replace", "path": "active", "value": False})

        page = operator_visitor.get(users_path)

        assert list_names(page) == ["ada", "bob"]
        (row,) = re.findall("<tr><th.*Ada Lovelace.*</tr>", page.text)
        cells = [re.sub("<.*?>", "", cell) for cell in re.findall("<td>(.*?)</td>", row)]
        assert cells == [
            "Inactive since 02 Feb 2026, 10:00 UTC",
            "Ada Lovelace",
            "ada@x",
            "17",
            "02 Feb 2026, 10:00 UTC",
        ]
        assert [title in page.text for title in ("All (2)", "Active (1)", "Inactive (1)")] == [True, True, True]

    def test_state_selects_users(self, operator_visitor: Visitor, tenant: Tenant, users_path: str) -> None:
        for name in ("ada", "bob", "eve"):
            tenant[1].create(userName=name, active=name != "bob")
        page = operator_visitor.get(users_path)

        inactive = follow(operator_visitor, page, "Inactive (1)")
        active = follow(operator_visitor, inactive, "Active (2)")

        assert list_names(inactive) == ["bob"]
        assert list_names(active) == ["ada", "eve"]
        assert list_names(follow(operator_visitor, active, "All (3)")) == ["ada", "bob", "eve"]

    @pytest.mark.usefixtures("small_pages")
    def test_pages_lead_forwards_and_backwards(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str
    ) -> None:
        names = [f"user#{number} & co" for number in range(8)]
        for name in reversed(names):
            tenant[1].create(userName=name)

        pages = list(read_pages(operator_visitor, operator_visitor.get(users_path)))
        back = list(read_pages(operator_visitor, pages[-1], "Previous page"))

        assert [list_names(page) for page in pages] == [names[:3], names[3:6], names[6:]]
        assert [list_names(page) for page in back] == [names[6:], names[3:6], names[:3]]
        assert list_names(follow(operator_visitor, pages[1], "First page")) == names[:3]

    @pytest.mark.usefixtures("small_pages")
    def test_columns_sort_in_both_directions(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for second, name in enumerate(("c", "a", "d", "b")):
            now = parse_rfc3339(f"2026-01-01T10:00:0{second}.000Z")
            monkeypatch.setattr("scim.wiring.runtime.current_time", lambda now=now: now)
            tenant[1].create(userName=name)

        orders = [operator_visitor.get(users_path)]
        for title in ("User name", "Last modified", "Last modified", "User name"):
            orders.append(follow(operator_visitor, orders[-1], title))

        names = [
            [name for page in read_pages(operator_visitor, order) for name in list_names(page)] for order in orders
        ]
        assert ["".join(order) for order in names] == ["abcd", "dcba", "bdac", "cadb", "abcd"]
        assert re.findall('aria-sort="(.*?)"', orders[2].text) == ["none", "descending"]

    @pytest.mark.usefixtures("small_pages")
    def test_search_for_few_users_continues_where_it_stopped(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(list_page, "MAX_USERS_READ", 4)
        for number in range(10):
            tenant[1].create(userName=f"user-{number}", active=number not in (1, 8, 9))

        pages = list(
            read_pages(operator_visitor, operator_visitor.get(f"{users_path}?state=inactive"), "Continue searching")
        )

        assert [list_names(page) for page in pages] == [["user-1"], [], ["user-8", "user-9"]]
        assert "4 users were searched for this page, and 1 is inactive." in pages[0].text
        assert "4 users were searched for this page, and none are inactive." in pages[1].text
        assert "Continue searching" not in pages[2].text
        back = list(
            read_pages(operator_visitor, follow(operator_visitor, pages[2], "Previous page"), "Continue searching")
        )
        assert [name for page in back for name in list_names(page)] == ["user-1"]

    @pytest.mark.parametrize("sort", ["userName", "lastModified"])
    @pytest.mark.parametrize("position", ["x", "U#x", "N#\ud83d" + "a" * 1_100, "U#2026-01-01T10:00:00.000Z U#1"])
    def test_malformed_position_is_rejected(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, sort: str, position: str
    ) -> None:
        tenant[1].create()
        text = position.encode(errors="replace").decode().replace("#", "%23").replace(" ", "%20")
        page = operator_visitor.get(f"{users_path}?sort={sort}&after={text}")
        assert page.status == 400
        assert "Open the list of users again." in page.text

    def test_position_of_a_deleted_user_stays_valid(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, small_pages: None
    ) -> None:
        users = [tenant[1].create(userName=f"user-{number}") for number in range(5)]
        page = operator_visitor.get(users_path)
        for user in users[1:4]:
            assert tenant[1].request("DELETE", f"/Users/{user['id']}").status == 204
        assert list_names(follow(operator_visitor, page, "Next page")) == ["user-4"]

    def test_empty_list_says_what_to_do(self, operator_visitor: Visitor, tenant: Tenant, users_path: str) -> None:
        empty = operator_visitor.get(users_path)
        tenant[1].create(userName="ada")
        none_inactive = operator_visitor.get(f"{users_path}?state=inactive")

        assert "This customer has no users yet." in empty.text
        assert f"/admin/tenants/{tenant[0]}/connect" in empty.links
        assert "There are no inactive users." in none_inactive.text
        assert list_names(follow(operator_visitor, none_inactive, "Show active and inactive users")) == ["ada"]


class TestSearch:
    def test_state_selects_among_the_matches(self, operator_visitor: Visitor, tenant: Tenant, users_path: str) -> None:
        for number in range(3):
            tenant[1].create(userName=f"ada-{number}", displayName="Ada Lovelace", active=number > 0)
        tenant[1].create(userName="bob")

        page = operator_visitor.get(f"{users_path}?search=lovelace")
        inactive = follow(operator_visitor, page, "Inactive (1)")
        csv = operator_visitor.get(f"{users_path}.csv?search=lovelace&state=inactive")

        assert list_names(page) == ["ada-0", "ada-1", "ada-2"]
        assert list_names(follow(operator_visitor, page, "User name")) == ["ada-2", "ada-1", "ada-0"]
        assert list_names(inactive) == ["ada-0"]
        assert f"{users_path}.csv?search=lovelace&state=inactive" in inactive.links
        assert "ada-0" in csv.text
        assert "ada-1" not in csv.text

    def test_identifier_leads_to_the_page_of_the_user(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str
    ) -> None:
        tenant[1].create(userName="ada", externalId="17", active=False)
        page = operator_visitor.get(f"{users_path}?search=17")
        assert '<p class="notice">ada exists but has been inactive since' in page.text
        assert "Assign or enable the person in the identity provider" in page.text


class TestUserPage:
    def test_document_is_that_of_the_api(self, operator_visitor: Visitor, tenant: Tenant, users_path: str) -> None:
        created = tenant[1].create(userName="ada", displayName="\u0141 <b>&amp;", password="secret-17")
        page = operator_visitor.get(f"{users_path}/{created['id']}")
        (document,) = re.findall("<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
        assert json.loads(html.unescape(document)) == tenant[1].request("GET", f"/Users/{created['id']}").json()
        assert "\u0141 <b>&amp;" in html.unescape(document)
        assert "secret-17" not in page.text

    def test_references_are_resolved_or_waiting(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, link: Callable[[dict[str, Any]], None]
    ) -> None:
        scim = tenant[1]
        boss = scim.create(userName="boss@x", **build_manager("ceo@x"))
        report = scim.create(userName="ada", **build_manager("BOSS@x"))
        late = scim.create(userName="late", **build_manager("nobody@x"))
        for user in (boss, report, late):
            link(user)

        pages = [operator_visitor.get(f"{users_path}/{user['id']}") for user in (boss, report, late)]

        assert "Waiting: not exactly one user has this" in pages[0].text
        assert f"{users_path}/{report['id']}" in pages[0].links
        assert "<td>manager</td><td>Resolved</td>" in pages[0].text
        assert f"{users_path}/{boss['id']}" in pages[1].links
        assert "No user refers to this user." in pages[1].text
        assert "Waiting" in pages[2].text

    def test_deleted_user_has_a_timeline_without_document(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str
    ) -> None:
        user = tenant[1].create(userName="ada")
        assert tenant[1].request("DELETE", f"/Users/{user['id']}").status == 204
        page = operator_visitor.get(f"{users_path}/{user['id']}")
        assert "Not provisioned" in page.text
        assert "was deleted by the identity provider" in page.text
        assert "SCIM document" not in page.text

    def test_state_and_its_reason_are_on_top(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scim.wiring.runtime.current_time", lambda: parse_rfc3339("2026-01-01T10:00:00.000Z"))
        user = tenant[1].create(userName="ada")
        page = operator_visitor.get(f"{users_path}/{user['id']}")
        assert "ada has been active since 01 Jan 2026, 10:00 UTC (set by create request" in page.text
        assert '<span class="state active">Active</span> since 01 Jan 2026, 10:00 UTC' in page.text

    def test_active_person_has_access_although_the_token_is_revoked(
        self, operator_visitor: Visitor, tenant: Tenant, users_path: str, operator: TenantService
    ) -> None:
        user = tenant[1].create(userName="ada")
        assert "Later changes" not in operator_visitor.get(f"{users_path}/{user['id']}").text
        operator.tokens.revoke(tenant[0])
        text = operator_visitor.get(f"{users_path}/{user['id']}").text
        verdict, warning = text.index("ada has access."), text.index("Later changes of this person may not arrive")
        assert verdict < text.index("ada has been active since") < warning < text.index("tokens", warning)
        assert "<code>muster rotate" in text[warning:]


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("people", "users"),
        ("people?who=ada%40example.com", "users?search=ada%40example.com"),
        ("people/0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70", "users/0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70"),
        ("active-users", "users?state=active"),
        ("active-users.csv", "users.csv?state=active"),
    ],
)
def test_address_of_an_earlier_release_is_redirected(
    operator_visitor: Visitor, tenant: Tenant, address: str, location: str
) -> None:
    here = f"/admin/tenants/{tenant[0]}"
    response = operator_visitor.send("GET", f"{here}/{address}")
    assert (response.status, response.headers["location"]) == (301, f"{here}/{location}")
