"""The audit log in a real browser: one line a row, details on demand, and following new entries."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.console import add_customer, sign_in
from browser.local_run import LocalRun

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MAX_HEIGHT = 2_000
"""The maximum height of 50 entries in pixels."""


def create(local_run: LocalRun, token: str, name: str, **attributes: Any) -> int:
    user = {"schemas": [CORE], "userName": f"{name}@example.com", **attributes}
    return local_run.send(token, "POST", "/Users", user)[0]


@pytest.fixture(scope="module")
def customer(browser: Browser, local_run: LocalRun) -> tuple[str, str]:
    """A customer and its token. The log has 30 changes, and 30 failures that are long to explain."""
    with browser.new_context(base_url=local_run.url) as context:
        page = context.new_page()
        sign_in(page, local_run)
        token = add_customer(page, "acme-log")
    for number in range(30):
        long = f"a-long-name-in-a-large-department-{number}"
        assert create(local_run, token, long, displayName="Somewhat Long Display Name") == 201
        assert create(local_run, token, f"failing-{number}", active="perhaps") == 400
    return "acme-log", token


@pytest.fixture
def log(page: Page, local_run: LocalRun, customer: tuple[str, str]) -> Page:
    """The page of the customer's log. The clock of the page only moves if the test moves it."""
    sign_in(page, local_run)
    page.clock.install()
    page.goto(f"/admin/tenants/{customer[0]}/log")
    return page


@pytest.mark.parametrize("width", [960, 1_440])
def test_entry_is_one_line(log: Page, width: int) -> None:
    log.set_viewport_size({"width": width, "height": 720})
    expect(log.locator("tr[data-key]")).to_have_count(50)

    box = log.get_by_role("table").bounding_box()

    assert box
    assert box["height"] <= MAX_HEIGHT


def test_details_open_by_keyboard(log: Page) -> None:
    row = log.locator("tr[data-key]").filter(has_text="failing-29@example.com")
    expect(row.get_by_text("What to change:")).to_be_hidden()

    row.locator("summary").focus()
    log.keyboard.press("Enter")

    expect(row.get_by_text("What to change:")).to_be_visible()
    row.get_by_role("link", name="type").click()
    expect(log.locator("tr[data-key]")).to_have_count(30)
    expect(log.get_by_label("Rule")).to_have_value("type")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_details_fit_a_phone(log: Page, scheme: str) -> None:
    log.set_viewport_size({"width": 320, "height": 640})
    log.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    log.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")

    assert log.evaluate("document.documentElement.scrollWidth") <= 320


def test_new_entries_appear_unless_the_person_reads(log: Page, local_run: LocalRun, customer: tuple[str, str]) -> None:
    token = customer[1]
    first = log.locator("tr[data-key]").first
    status = log.locator("#follow [role=status]")
    expect(status).to_have_text("Live")
    assert create(local_run, token, "new-1") == 201
    log.clock.run_for(11_000)
    expect(first).to_contain_text("new-1@example.com")
    expect(status).to_have_text("Live: 1 new entry")

    first.locator("summary").click()
    expect(status).to_have_text("Paused while you read")
    assert create(local_run, token, "new-2") == 201
    log.clock.run_for(21_000)
    expect(first.get_by_text("Operation")).to_be_visible()
    expect(first).to_contain_text("new-1@example.com")

    first.locator("summary").click()
    log.get_by_role("button", name="Pause").click()
    expect(status).to_have_text("Paused")
    log.clock.run_for(21_000)
    expect(first).to_contain_text("new-1@example.com")
    log.get_by_role("button", name="Resume").click()
    log.clock.run_for(11_000)
    expect(first).to_contain_text("new-2@example.com")


def test_age_grows_while_the_page_is_open(log: Page) -> None:
    log.get_by_role("button", name="Pause").click()
    age = log.locator("tr[data-key] time").first
    expect(age).to_have_text("just now")

    log.clock.run_for(5 * 60_000)

    expect(age).to_have_text("5 minutes ago")


def test_page_works_without_scripts(page: Page, local_run: LocalRun) -> None:
    assert page.context.browser
    with page.context.browser.new_context(base_url=local_run.url, java_script_enabled=False) as context:
        plain = context.new_page()
        sign_in(plain, local_run)
        plain.goto("/admin/tenants/acme/log")
        expect(plain.get_by_role("link", name="Refresh")).to_be_visible()
        expect(plain.get_by_role("button", name="Pause")).to_be_hidden()
        plain.get_by_text("Filter", exact=True).click()
        plain.get_by_label("Operation or action").fill("connect")
        plain.get_by_role("button", name="Apply").click()
        expect(plain.locator("tr[data-key]")).to_have_count(1)
