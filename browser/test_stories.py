"""What operators, people on call and IT admins do on an ordinary day, in a real browser."""

from playwright.sync_api import Browser, Page, expect

from browser.console import add_customer, find_person, invite, open_tab, sign_in
from browser.local_run import LocalRun
from browser.test_brake import delete_users
from browser.test_console import build_user


def expect_outcome(page: Page, sentence: str) -> None:
    """Expect that the page says what was done, and says it no more after a reload."""
    expect(page.get_by_role("status").filter(has_text=sentence)).to_be_visible()
    page.reload()
    expect(page.get_by_text(sentence)).to_have_count(0)


def test_person_on_call_finds_out_why_a_user_has_no_access(page: Page, local_run: LocalRun) -> None:
    """A customer calls: Ann cannot sign in. The cause is a wrong mapping, which the IT admin corrects."""
    sign_in(page, local_run)
    token = add_customer(page, "oscorp")
    assert local_run.send(token, "POST", "/Users", build_user("ann", active="perhaps"))[0] == 400

    page.goto("/admin")
    page.get_by_role("row").filter(has_text="oscorp").get_by_role("link", name="oscorp", exact=True).click()
    find_person(page, "ann@example.com")
    expect(page.get_by_text("What to change:").first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("active")

    assert local_run.send(token, "POST", "/Users", build_user("ann", active=True))[0] == 201
    page.reload()
    expect(page.get_by_role("heading", name="ann@example.com")).to_be_visible()


def test_person_on_call_releases_deactivations(page: Page, local_run: LocalRun) -> None:
    """Many people leave on the same day. The brake holds some until the customer was asked."""
    sign_in(page, local_run)
    token = add_customer(page, "aperture")
    open_tab(page, "Settings")
    page.get_by_role("button", name="Turn the brake on").click()
    expect_outcome(page, "The brake is on within a minute.")
    assert delete_users(local_run, token, 11)[-1] == 403

    page.goto("/admin")
    expect(page.get_by_role("row").filter(has_text="aperture")).to_contain_text("deactivations held")
    page.get_by_role("link", name="aperture", exact=True).click()
    expect(page.get_by_role("region", name="Release the deactivations")).to_contain_text("First check")
    page.get_by_role("button", name="Release the deactivations").click()
    expect_outcome(page, "Deactivations are accepted for 24 hours")


def test_operator_disconnects_a_customer_and_connects_it_again(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    token = add_customer(page, "tyrell-old")
    open_tab(page, "Settings")
    section = page.get_by_role("region", name="Disconnect tyrell-old")
    expect(section).to_contain_text("To undo it: Connect tyrell-old again")
    section.get_by_role("textbox").fill("another")
    section.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    page.get_by_label("To confirm, enter the customer id").fill("tyrell-old")
    page.get_by_role("button", name="Disconnect tyrell-old").click()
    expect_outcome(page, "The customer was disconnected.")
    open_tab(page, "Token")
    page.get_by_role("button", name="Connect again and show the token").click()
    second = page.get_by_label("Token", exact=True).input_value()
    assert second != token
    assert local_run.send(second, "GET", "/Users?count=0")[0] == 200


def test_it_admin_looks_after_the_connection(page: Page, browser: Browser, local_run: LocalRun) -> None:
    """The IT admin sees a failure, corrects it, revokes the tokens after a leak, and signs out."""
    sign_in(page, local_run)
    page.goto("/admin")
    page.get_by_label("Customer id").fill("stark")
    page.get_by_role("button", name="Add customer").click()
    expect_outcome(page, "The customer was added.")
    link = invite(page, "stark")
    with browser.new_context(base_url=local_run.url) as context:
        admin = context.new_page()
        admin.goto(link)
        admin.get_by_role("button", name="Open stark").click()
        expect_outcome(admin, "You have opened the invitation.")
        open_tab(admin, "Token")
        admin.get_by_role("button", name="Show the token").click()
        token = admin.get_by_label("Token", exact=True).input_value()
        assert local_run.send(token, "POST", "/Users", build_user("pepper", active="perhaps"))[0] == 400
        open_tab(admin, "Status")
        expect(admin.get_by_role("img", name="Changes and failures per day")).to_be_visible()
        expect(admin.get_by_text("Failures (striped): 1")).to_be_visible()
        open_tab(admin, "Audit log")
        expect(admin.get_by_role("main")).to_contain_text("pepper@example.com")
        open_tab(admin, "Token")
        admin.get_by_role("region", name="Revoke all tokens").get_by_role("button").click()
        expect_outcome(admin, "All tokens were revoked.")
        admin.get_by_role("button", name="Sign out").click()
        expect_outcome(admin, "You are signed out.")
