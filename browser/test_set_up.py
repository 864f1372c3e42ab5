"""The set-up by an IT admin in a real browser, with and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.console import add_customer, invite, sign_in, take_element_screenshot, take_screenshot
from browser.local_run import LocalRun
from browser.test_console import build_user

REFRESHED_MS = 15_000
"""The page is refreshed every five seconds."""


def create_customer(page: Page, name: str) -> str:
    """Add a customer without showing its token, and return the link of an invitation."""
    page.goto("/admin")
    page.get_by_label("Customer id").fill(name)
    page.get_by_role("button", name="Add").click()
    return invite(page, name)


@pytest.fixture
def guest_context(browser: Browser, local_run: LocalRun) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=local_run.url, viewport={"width": 960, "height": 720})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(15_000)
    yield context
    context.close()


def test_set_up_from_invitation_to_first_user(page: Page, guest_context: BrowserContext, local_run: LocalRun) -> None:
    """The page is never reloaded by hand: the script shows each step as it happens."""
    sign_in(page, local_run)
    guest, messages = guest_context.new_page(), list[str]()
    guest.on("console", lambda message: messages.append(message.text))
    guest.goto(create_customer(page, "umbrella"))
    guest.get_by_role("button", name="Open umbrella").click()
    take_screenshot(guest, "connect")
    guest.get_by_role("link", name="Okta").click()

    expect(guest.get_by_text("Waiting for the first request")).to_be_visible()
    expect(guest.get_by_role("link", name="Look again")).to_have_count(0)
    guest.get_by_role("button", name="Show the token").click()
    token = guest.get_by_label("Authorization", exact=True).input_value()
    assert token.startswith("muster_umbrella_")
    guest.get_by_role("button", name="Copy Authorization").click()
    expect(guest.get_by_text("Copied", exact=True)).to_be_visible()
    assert guest.evaluate("navigator.clipboard.readText()") == token
    expect(guest.get_by_role("row").filter(has_text="user.firstName")).to_contain_text("name.givenName")

    progress = guest.get_by_role("region", name="Progress")
    assert local_run.send(token[:-9], "GET", "/Users?count=1")[0] == 401
    expect(progress.get_by_text("The token is cut short", exact=True)).to_be_visible(timeout=REFRESHED_MS)
    assert local_run.send(token, "GET", "/Users?count=1")[0] == 200
    expect(progress.get_by_text("The token works.")).to_be_visible(timeout=REFRESHED_MS)
    expect(progress.get_by_text("The token is cut short", exact=True)).to_have_count(0)
    assert local_run.send(token, "POST", "/Groups", {"displayName": "Everybody"})[0] == 501
    expect(progress.get_by_text("Groups are switched on")).to_be_visible(timeout=REFRESHED_MS)
    assert local_run.send(token, "POST", "/Users", build_user("ada"))[0] == 201
    expect(progress.get_by_text("Users arrive: 1 so far.")).to_be_visible(timeout=REFRESHED_MS)
    assert guest.get_by_label("Authorization", exact=True).input_value() == token
    take_element_screenshot(guest.locator(".steps"), "set-up")
    assert [text for text in messages if "Content Security Policy" in text] == []


def test_set_up_works_without_scripts(page: Page, browser: Browser, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    link = create_customer(page, "wonka")
    with browser.new_context(base_url=local_run.url, java_script_enabled=False) as context:
        guest = context.new_page()
        guest.goto(link)
        guest.get_by_role("button", name="Open wonka").click()
        guest.get_by_role("link", name="Microsoft Entra ID").click()
        guest.get_by_role("button", name="Show the token").click()
        token = guest.get_by_label("Secret Token").input_value()
        expect(guest.get_by_role("button", name="Copy")).to_have_count(0)
        assert local_run.send(token, "GET", "/Users?count=1")[0] == 200
        with context.expect_page() as opened:  # so the page with the token stays open
            guest.get_by_role("link", name="Look again").click()
        expect(opened.value.get_by_text("The token works.")).to_be_visible()


def test_set_up_by_keyboard(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    add_customer(page, "acme-keys")
    page.goto("/admin/tenants/acme-keys/connect/entra")
    page.get_by_label("Tenant URL").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy Tenant URL")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied", exact=True).or_(page.get_by_text("Selected."))).to_be_visible()
