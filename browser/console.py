"""Actions in the console, and screenshots for the documentation."""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from browser.local_run import LocalRun

IMAGES = Path(__file__).parent.parent / "docs/images"


def sign_in(page: Page, local_run: LocalRun) -> None:
    page.goto("/admin")
    page.get_by_label("Admin password").fill(local_run.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()


def add_customer(page: Page, name: str) -> str:
    """Add a customer and return the token that the page shows."""
    page.goto("/admin")
    page.get_by_label("Customer id").fill(name)
    page.get_by_role("button", name="Add").click()
    open_tab(page, "Token")
    page.get_by_role("button", name="Show the token").click()
    token: str = page.get_by_label("Token", exact=True).input_value()
    return token


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages of").get_by_role("link", name=name, exact=True).click()


def invite(page: Page, name: str) -> str:
    """Invite the IT admin of a customer and return the link."""
    page.goto(f"/admin/tenants/{name}/access")
    page.get_by_role("button", name="Create an invitation link").click()
    link: str = page.get_by_label("Link").input_value()
    return link


def find_person(page: Page, who: str) -> None:
    open_tab(page, "Users")
    main = page.get_by_role("main")
    main.get_by_label("Name, email, userName, externalId or id").fill(who)
    main.get_by_role("button", name="Search").click()


class PictureFolder:
    """Receives the screenshots of the documentation. ``make browser`` takes them too, and keeps none."""

    is_writable = False


def take_screenshot(page: Page, name: str, *, full_page: bool = True) -> None:
    """Take a screenshot of a page, or only of what its window shows."""
    _save(page.screenshot(full_page=full_page), name)


def take_element_screenshot(element: Locator, name: str) -> None:
    _save(element.screenshot(), name)


def _save(screenshot: bytes, name: str) -> None:
    """Save an image with 32 colors, a quarter of the size. Only ``make pictures`` saves it."""
    if not PictureFolder.is_writable:
        return
    with Image.open(BytesIO(screenshot)) as image:
        image.convert("RGB").quantize(32, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
