"""Every page of the console is accessible: with and without data, for operators and IT admins, in all layouts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.accessibility import (
    PHONE,
    SCREEN,
    PathContent,
    find_problems,
    is_changed_by_scripts,
    load_axe,
    show_without_scripts,
)
from browser.console import add_customer, invite, sign_in
from browser.local_run import LocalRun
from browser.routes import PageRoute, read_page_routes
from browser.test_brake import delete_users
from browser.test_console import build_user

QUERIES = {
    "": ["?after=zzz"],
    "search": ["?q=ada", "?q=nobody"],
    "tenants/{tenant}/log": ["?status=failures"],
    "tenants/{tenant}/users": ["?search=a", "?search=nobody", "?state=inactive"],
}
"""Other states of a page, by the path of the route."""
SURVEY = "urn:example:survey"


@dataclass(frozen=True)
class Customer:
    """A customer, the sessions of those who see its pages, and the values of the placeholders in their paths."""

    name: str
    operator: Any
    guest: Any
    placeholders: dict[str, str]


def build_schema(*names: str) -> dict[str, Any]:
    return {"id": SURVEY, "attributes": [{"name": name, "type": "string"} for name in names]}


def accept_invitation(browser: Browser, local_run: LocalRun, link: str) -> Any:
    """Return the state of a browser in which an IT admin has accepted an invitation."""
    with browser.new_context(base_url=local_run.url) as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("heading", name="Connect an identity provider")).to_be_visible()
        return context.storage_state()


@contextmanager
def open_operator_page(browser: Browser, local_run: LocalRun) -> Iterator[Page]:
    """Open a page for an operator who has just signed in, as some forms demand. The other tests may take minutes."""
    with browser.new_context(base_url=local_run.url) as context:
        context.set_default_timeout(30_000)
        page = context.new_page()
        sign_in(page, local_run)
        yield page


@pytest.fixture(scope="module")
def routes(local_run: LocalRun) -> list[PageRoute]:
    return read_page_routes(local_run)


@pytest.fixture(scope="module")
def new_customer(browser: Browser, local_run: LocalRun) -> Customer:
    """A customer without any request or change."""
    with open_operator_page(browser, local_run) as page:
        page.goto("/admin")
        page.get_by_label("Customer id").fill("blank")
        page.get_by_role("button", name="Add customer").click()
        guest = accept_invitation(browser, local_run, invite(page, "blank"))
        placeholders = {"tenant": "blank", "provider": "okta", "secret": invite(page, "blank").rpartition("/")[2]}
        return Customer("blank", page.context.storage_state(), guest, placeholders)


@pytest.fixture(scope="module")
def busy_customer(browser: Browser, local_run: LocalRun) -> Customer:
    """A customer with users, failures, an alert, custom attributes, and the request of an IT admin for a new link."""
    name = "busy"
    with open_operator_page(browser, local_run) as page:
        token = add_customer(page, name)
        page.goto(f"/admin/tenants/{name}/attributes")
        for schema in (build_schema("shirt", "shoe"), build_schema("shirt")):
            page.get_by_label("Schema document").fill(str(schema).replace("'", '"'))
            page.get_by_role("button", name="Save schema").click()
            expect(page.get_by_role("status")).to_be_visible()
        guest = accept_invitation(browser, local_run, invite(page, name))
        page.goto(f"/admin/tenants/{name}/settings")
        page.get_by_role("button", name="Turn the brake on").click()
        expect(page.get_by_role("status")).to_be_visible()
        operator = page.context.storage_state()

    long_name = "a-long-user-name-of-somebody-in-a-department"
    ada = build_user(long_name, displayName="Wolfeschlegelsteinhausenbergerdorff", externalId="17")
    status, created = local_run.send(token, "POST", "/Users", ada)
    assert status == 201
    assert local_run.send(token, "POST", "/Users", build_user("idle", active=False))[0] == 201
    assert local_run.send(token, "POST", "/Users", build_user("alan", active="perhaps"))[0] == 400
    assert local_run.send(token, "POST", "/Users", {"schemas": ada["schemas"], "externalId": "18"})[0] == 400
    assert local_run.send(token, "POST", "/Groups", {"displayName": "Everybody"})[0] == 501
    assert local_run.send(token[:-9], "GET", "/Users")[0] == 401
    assert delete_users(local_run, token, 12)[-1] == 403
    placeholders = {"tenant": name, "provider": "entra", "id": created["id"]}
    return Customer(name, operator, guest, placeholders)


@pytest.fixture(scope="module")
def disconnected_customer(browser: Browser, local_run: LocalRun) -> Customer:
    with open_operator_page(browser, local_run) as page:
        add_customer(page, "gone")
        page.goto("/admin/tenants/gone/settings")
        page.get_by_label("To confirm, enter the customer id").fill("gone")
        page.get_by_role("button", name="Disconnect gone").click()
        expect(page.get_by_role("status")).to_be_visible()
        return Customer("gone", page.context.storage_state(), None, {"tenant": "gone", "provider": "okta"})


def list_paths(routes: Iterable[PageRoute], placeholders: dict[str, str]) -> list[str]:
    """Return the paths of all pages, without those of a user if there is none. No other placeholder may be missing."""
    return [
        f"/admin/{route.path.format_map(placeholders)}".rstrip("/") + query
        for route in routes
        if "{id}" not in route.path or "id" in placeholders
        for query in ("", *QUERIES.get(route.path, []))
    ]


def open_page_with_axe(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    load_axe(page)
    return page


def find_problems_without_scripts(page: Page, paths: Iterable[str], *widths: int) -> dict[str, list[str]]:
    """Return the problems by path, for all paths that have a page for this person."""
    pages = (path for path in paths if show_without_scripts(page, path) is PathContent.PAGE)
    return {path: find_problems(page, *widths) for path in pages}


def expect_no_problems(problems: dict[str, list[str]]) -> None:
    lines = [f"{path}: {problem}" for path, found in problems.items() for problem in found]
    assert not lines, "\n".join(lines)


def test_pages_of_operators(
    browser: Browser, local_run: LocalRun, routes: list[PageRoute], busy_customer: Customer
) -> None:
    """Every page is checked. A new route needs no change here, unless its path has a new placeholder.

    Pages that their scripts change are checked again with these changes.
    """
    paths = list_paths((route for route in routes if not route.is_public), busy_customer.placeholders)
    problems, changed_pages = {}, []
    with browser.new_context(base_url=local_run.url, storage_state=busy_customer.operator) as context:
        page, page_with_scripts = open_page_with_axe(context, "/admin"), context.new_page()
        for path in paths:
            content = show_without_scripts(page, path)
            assert content is not PathContent.NOTHING, path
            if content is not PathContent.PAGE:
                continue
            problems[path] = find_problems(page, PHONE, SCREEN)
            page_with_scripts.goto(path)
            if is_changed_by_scripts(page_with_scripts):
                changed_pages.append(path)
                load_axe(page_with_scripts)
                problems[f"{path} with scripts"] = find_problems(page_with_scripts, PHONE, SCREEN)
    expect_no_problems(problems)
    assert {path.rpartition("/")[2] for path in changed_pages} >= {"connect", busy_customer.placeholders["provider"]}


@pytest.mark.parametrize("customer", ["new_customer", "disconnected_customer"])
def test_pages_without_data(
    browser: Browser, local_run: LocalRun, routes: list[PageRoute], customer: str, request: pytest.FixtureRequest
) -> None:
    example: Customer = request.getfixturevalue(customer)
    check_pages_of_tenant(browser, local_run, routes, example, example.operator)


@pytest.mark.parametrize("customer", ["busy_customer", "new_customer"])
def test_pages_of_it_admins(
    browser: Browser, local_run: LocalRun, routes: list[PageRoute], customer: str, request: pytest.FixtureRequest
) -> None:
    example: Customer = request.getfixturevalue(customer)
    check_pages_of_tenant(browser, local_run, routes, example, example.guest)


def check_pages_of_tenant(
    browser: Browser, local_run: LocalRun, routes: list[PageRoute], customer: Customer, storage: Any
) -> None:
    """Check the pages that a person sees of a customer on a phone, which leaves the least space."""
    paths = list_paths((route for route in routes if route.has_tenant), customer.placeholders)
    with browser.new_context(base_url=local_run.url, storage_state=storage) as context:
        page = open_page_with_axe(context, f"/admin/tenants/{customer.name}")
        problems = find_problems_without_scripts(page, paths, PHONE)
    expect_no_problems(problems)
    assert len(problems) > 5


def test_pages_of_visitors(
    browser: Browser, local_run: LocalRun, routes: list[PageRoute], new_customer: Customer
) -> None:
    """The routes for OpenID Connect have no page: a local run has no OpenID provider."""
    paths = list_paths((route for route in routes if route.is_public), new_customer.placeholders)
    with browser.new_context(base_url=local_run.url) as context:
        page = open_page_with_axe(context, "/admin/nowhere")
        problems = {"an error": find_problems(page, PHONE, SCREEN)}
        problems |= find_problems_without_scripts(page, [*paths, "/admin/invitation/unknown"], PHONE, SCREEN)
    expect_no_problems(problems)
    assert len(problems) >= 4


def test_pages_after_forms(browser: Browser, local_run: LocalRun, busy_customer: Customer) -> None:
    """The pages that only a form leads to: a new invitation, a new token, and errors."""
    tenant_path, problems = f"/admin/tenants/{busy_customer.name}", {}

    def check(page: Page, name: str) -> None:
        load_axe(page)
        problems[name] = find_problems(page, PHONE, SCREEN)

    with open_operator_page(browser, local_run) as page:
        invite(page, busy_customer.name)
        check(page, "invitation")
        page.goto(f"{tenant_path}/token")
        page.get_by_role("button", name="Create a new token").click()
        expect(page.get_by_label("Token", exact=True)).to_be_visible()
        check(page, "new token")
        page.goto(f"{tenant_path}/token")
        check(page, "token with a previous one")
        page.goto("/admin")
        page.get_by_label("Customer id").fill(busy_customer.name)
        page.get_by_role("button", name="Add customer").click()
        expect(page.get_by_role("alert")).to_contain_text("already connected")
        check(page, "customer exists")
        page.goto(f"{tenant_path}/attributes")
        page.get_by_label("Schema document").fill("{")
        page.get_by_role("button", name="Save schema").click()
        expect(page.get_by_role("alert")).to_be_visible()
        check(page, "schema is not JSON")
    expect_no_problems(problems)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("document.querySelector('main').innerHTML += '<input name=nameless>'", "label: "),
        ("document.querySelector('h1').style.color = '#ddd'", "color-contrast: "),
        ("document.documentElement.lang = ''", "html-has-lang: "),
        ("document.querySelector('h1').id = 'password'", "repeated id: "),
        ("document.querySelector('h1').style.width = '2000px'", "pixels wide"),
        ("document.querySelector('main a, main button').tabIndex = -1", "not reached: "),
        ("document.querySelector('main a, main button').style.outline = 'none'", "no visible focus: "),
    ],
)
@pytest.mark.usefixtures("local_run")
def test_planted_fault_is_found(context: BrowserContext, fault: str, problem: str) -> None:
    """The other tests of this module would fail."""
    page = open_page_with_axe(context, "/admin/sign-in")
    assert find_problems(page, PHONE) == []
    page.evaluate(f"() => {{ {fault}; }}")
    assert problem in "\n".join(find_problems(page, PHONE))


def test_tab_key_reaches_every_control(browser: Browser, local_run: LocalRun, busy_customer: Customer) -> None:
    """The tab key visits the controls in the order of the page, and the focus is never trapped."""
    with browser.new_context(base_url=local_run.url, storage_state=busy_customer.operator) as context:
        page = context.new_page()
        page.goto(f"/admin/tenants/{busy_customer.name}/settings")
        controls = page.locator("a[href], button, input:not([type=hidden]), select, textarea, summary").all()
        visible_controls = [control for control in controls if control.is_visible()]
        assert len(visible_controls) > 10
        for control in visible_controls:
            page.keyboard.press("Tab")
            expect(control).to_be_focused()
