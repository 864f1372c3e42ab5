"""The guides of the console are the short form of docs/use/identity-providers."""

import re
from html import unescape
from pathlib import Path

import pytest

from handlers.console.guides import GUIDES, TOKEN_PLACEHOLDER, URL_PLACEHOLDER
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor

PAGES = Path(__file__).parents[3] / "docs/use/identity-providers"


def connect(provider: str) -> str:
    """Return the sections *Connect* and *Map attributes* of a page, without their markup."""
    text = (PAGES / f"{provider}.md").read_text("utf-8").partition("\n## Connect\n")[2].partition("\n## Test\n")[0]
    return text.replace("*", "").replace("`", "")


def test_every_provider_has_a_guide() -> None:
    assert set(GUIDES) == {page.stem for page in PAGES.glob("*.md")} - {"README"}


@pytest.mark.parametrize("provider", GUIDES)
def test_fields_and_values_are_those_of_the_page(provider: str) -> None:
    page = connect(provider)
    for label, value in GUIDES[provider].fields:
        product, _, field = label.rpartition(": ")
        assert product in page
        assert field in page
        assert value in (URL_PLACEHOLDER, TOKEN_PLACEHOLDER) or all(part in page for part in value.split(", "))
    assert {URL_PLACEHOLDER, TOKEN_PLACEHOLDER} <= {value for _, value in GUIDES[provider].fields}


@pytest.mark.parametrize("provider", GUIDES)
def test_guide_wants_neither_the_repository_nor_the_command_line(
    operator_visits: Visitor, tenant: tuple[str, Endpoint], provider: str
) -> None:
    page = operator_visits.get(f"/admin/tenants/{tenant[0]}/guide/{provider}")
    assert page.status == 200
    for word in ("docs/use/identity-providers", ".md", "muster rotate", "muster strict", "muster log"):
        assert word not in page.text


def test_template_of_onelogin_can_be_copied_as_the_documentation_has_it(
    operator_visits: Visitor, tenant: tuple[str, Endpoint]
) -> None:
    page = operator_visits.get(f"/admin/tenants/{tenant[0]}/guide/onelogin")
    (shown,) = re.findall(r"<textarea[^>]*readonly[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    documented = re.findall(r"```json\n(.*?)\n```", (PAGES / "onelogin.md").read_text("utf-8"), re.DOTALL)
    assert unescape(shown) == documented[0]
