"""The console in a real browser: set-up of a customer, small screen, keyboard, light and dark mode."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from browser.console import add_customer, find_person, invite, open_tab, sign_in, take_screenshot
from browser.local_run import LocalRun

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def build_user(name: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": f"{name}@example.com", **attributes}


def test_story_from_sign_in_to_first_users(page: Page, local_run: LocalRun, tmp_path: Path) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto("/admin")
    page.get_by_label("Admin password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong password. 4 attempts left.")
    sign_in(page, local_run)

    token = add_customer(page, "vandelay")
    take_screenshot(page, "token")
    assert token.startswith("muster_vandelay_")
    assert page.get_by_label("SCIM URL").input_value() == f"{local_run.url}/scim/v2"
    page.reload()
    assert page.get_by_label("Token", exact=True).input_value() == token

    ada = build_user("ada", displayName="Ada Lovelace", emails=[{"value": "ada@example.com", "primary": True}])
    status, created = local_run.send(token, "POST", "/Users", ada)
    assert status == 201
    change = {"op": "replace", "path": "title", "value": "Countess"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
    assert local_run.send(token, "PATCH", f"/Users/{created['id']}", body)[0] == 200
    status, grace = local_run.send(token, "POST", "/Users", build_user("grace", displayName="Grace Hopper"))
    status, _ = local_run.send(token, "POST", "/Users", build_user("alan", active="perhaps"))
    assert status == 400
    body["Operations"] = [{"op": "replace", "path": "active", "value": False}]
    assert local_run.send(token, "PATCH", f"/Users/{grace['id']}", body)[0] == 200

    page.goto("/admin/tenants/vandelay")
    expect(page.get_by_role("img", name="Changes and failures per day")).to_be_visible()
    take_screenshot(page, "status")
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="ada@example.com")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="alan@example.com")).to_contain_text("What to change:")
    find_person(page, "lovelace")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("Changed: title.")).to_be_visible()

    page.get_by_text("Show the document that the API returns").click()
    expect(page.get_by_label("SCIM document")).to_have_value(re.compile('"userName": "ada@example.com"'))

    open_tab(page, "Users")
    take_screenshot(page, "users")
    page.get_by_role("link", name=re.compile("^Active")).click()
    expect(page.get_by_role("row").filter(has_text="Grace Hopper")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these users as CSV").click()
    download.value.save_as(tmp_path / "active-users.csv")
    exported = (tmp_path / "active-users.csv").read_text("utf-8-sig")
    assert "Ada Lovelace" in exported
    assert "Grace Hopper" not in exported

    open_tab(page, "Token")
    page.get_by_role("button", name="Create a new token").click()
    second = page.get_by_label("Token", exact=True).input_value()
    assert second != token
    assert [local_run.send(value, "GET", "/Users?count=0")[0] for value in (token, second)] == [200, 200]
    page.get_by_role("button", name="Sign out").click()
    page.goto("/admin/tenants/vandelay")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert [text for text in messages if "Content Security Policy" in text] == []


def test_invitation_works_in_one_browser(page: Page, context: BrowserContext, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    add_customer(page, "initech")
    link = invite(page, "initech")
    assert context.browser
    with context.browser.new_context() as guest_context:
        guest = guest_context.new_page()
        guest.goto(link)
        take_screenshot(guest, "invitation")
        guest.get_by_role("button", name="Open initech").click()
        expect(guest.get_by_role("heading", name="Connect an identity provider")).to_be_visible()
        open_tab(guest, "Token")
        guest.get_by_role("button", name="Create a new token").click()
        assert guest.get_by_label("Token", exact=True).input_value().startswith("muster_initech_")
        response = guest.goto(f"{local_run.url}/admin/tenants/acme")
        assert response
        assert response.status == 404
    with context.browser.new_context() as other_context:
        other = other_context.new_page()
        other.goto(link)
        expect(other.get_by_role("heading", name="This invitation is no longer valid")).to_be_visible()


def test_sign_in_by_keyboard(page: Page, local_run: LocalRun) -> None:
    page.goto("/admin")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Admin password")).to_be_focused()
    page.keyboard.type(local_run.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()


def test_log_on_a_phone(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    token = add_customer(page, "hooli")
    long = build_user("a-long-user-name-of-somebody-in-a-department", displayName="Wolfeschlegelsteinhausenbergerdorff")
    assert local_run.send(token, "POST", "/Users", long)[0] == 201
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(color_scheme="dark")
    page.goto("/admin/tenants/hooli/log")
    expect(page.get_by_text(long["userName"]).first).to_be_visible()
    take_screenshot(page, "phone")
