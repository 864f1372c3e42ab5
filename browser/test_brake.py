"""The alert about a mass deactivation, the brake and the release in a real browser."""

from playwright.sync_api import Page, expect

from browser.console import add_customer, open_tab, sign_in, take_screenshot
from browser.local_run import LocalRun
from browser.test_console import build_user


def delete_users(local_run: LocalRun, token: str, number: int) -> list[int]:
    """Create and delete users. Return the statuses of the deletions."""
    users = [local_run.send(token, "POST", "/Users", build_user(f"user-{index}"))[1] for index in range(number)]
    return [local_run.send(token, "DELETE", f"/Users/{user['id']}")[0] for user in users]


def test_alert_is_shown_and_ended(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    token = add_customer(page, "soylent")
    assert delete_users(local_run, token, 10) == [204] * 10
    page.goto("/admin/tenants/soylent")
    expect(page.get_by_text("10 of 10 active users were deactivated or deleted within an hour")).to_be_visible()
    page.get_by_role("button", name="End this alert").click()
    expect(page.get_by_role("heading", name="Status")).to_be_visible()
    expect(page.get_by_role("button", name="End this alert")).to_have_count(0)
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="Alert: 10 of 10 active users")).to_contain_text("More are accepted")


def test_brake_holds_until_it_is_released(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    token = add_customer(page, "cyberdyne")
    page.goto("/admin/tenants/cyberdyne/settings")
    page.get_by_role("button", name="Turn the brake on").click()
    expect(page.get_by_role("button", name="Turn the brake off")).to_be_visible()
    assert delete_users(local_run, token, 12) == [204] * 9 + [403] * 3

    open_tab(page, "Status")
    expect(page.get_by_text("deactivations held")).to_be_visible()
    take_screenshot(page, "brake", full_page=False)
    page.get_by_role("button", name="Release the deactivations").click()
    expect(page.get_by_role("heading", name="Status")).to_be_visible()
    expect(page.get_by_text("deactivations held")).to_have_count(0)
    open_tab(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="Released the deactivations")).to_be_visible()
    page.get_by_role("link", name="user-11@example.com").first.click()
    expect(page.get_by_text("The brake held this deactivation or deletion").first).to_be_visible()
