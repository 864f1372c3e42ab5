"""What one does in the console, and the pictures of it that stand in the documentation."""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from browser.running import Running

IMAGES = Path(__file__).parent.parent / "docs/images"


def sign_in(page: Page, running: Running) -> None:
    page.goto("/admin")
    page.get_by_label("Password of the operator").fill(running.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Employee provisioning")).to_be_visible()


def add_customer(page: Page, name: str) -> str:
    """A customer's token, as the page shows it."""
    page.goto("/admin")
    page.get_by_label("Short name").fill(name)
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Show the token").click()
    token: str = page.get_by_label("Token", exact=True).input_value()
    return token


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages of").get_by_role("link", name=name).click()


def find_person(page: Page, who: str) -> None:
    open_tab(page, "Find a person")
    page.get_by_label("Name, email, user name or external id").fill(who)
    page.get_by_role("button", name="Find").click()


def picture(page: Page, name: str) -> None:
    _keep(page.screenshot(full_page=True), name)


def picture_of(part: Locator, name: str) -> None:
    _keep(part.screenshot(), name)


def _keep(shot: bytes, name: str) -> None:
    """In 256 colours, which look the same and take a third of the room."""
    with Image.open(BytesIO(shot)) as image:
        image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
