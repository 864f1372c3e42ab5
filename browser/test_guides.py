"""The set-up guides of the identity providers, with screenshots for the documentation."""

from playwright.sync_api import Page, expect

from browser.console import IMAGES, add_customer, sign_in, take_element_screenshot
from browser.local_run import LocalRun

PROVIDERS = sorted(
    page.stem for page in (IMAGES.parent / "use/identity-providers").glob("*.md") if page.stem != "README"
)


def test_connect_page_links_guide_of_each_provider(page: Page, local_run: LocalRun) -> None:
    sign_in(page, local_run)
    add_customer(page, "tyrell")
    page.set_viewport_size({"width": 720, "height": 480})
    for provider in PROVIDERS:
        page.goto("/admin/tenants/tyrell/connect")
        page.locator(f"a[href$='/connect/{provider}']").click()
        expect(page.get_by_role("heading", name="Enter these values")).to_be_visible()
        values = [field.input_value() for field in page.get_by_role("textbox").all()]
        assert f"{local_run.url}/scim/v2" in values
        take_element_screenshot(page.get_by_role("main"), f"guides/{provider}")
