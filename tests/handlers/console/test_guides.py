"""The guides of the console match the pages in docs/use/identity-providers."""

import re
from html import unescape
from pathlib import Path

import pytest

from handlers.console.guides import GUIDES, TOKEN_PLACEHOLDER, URL_PLACEHOLDER, build_colleague_message
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor

PAGES = Path(__file__).parents[3] / "docs/use/identity-providers"


def read_connect_section(provider: str) -> str:
    """Return the sections *Connect* and *Map attributes* of a page, without their markup."""
    text = (PAGES / f"{provider}.md").read_text("utf-8").partition("\n## Connect\n")[2].partition("\n## Test\n")[0]
    return text.replace("*", "").replace("`", "")


def test_all_providers_have_a_guide() -> None:
    assert set(GUIDES) == {page.stem for page in PAGES.glob("*.md")} - {"README"}


@pytest.mark.parametrize("provider", GUIDES)
def test_fields_match_the_documentation(provider: str) -> None:
    page = read_connect_section(provider)
    for label, value in GUIDES[provider].fields:
        product, _, field = label.rpartition(": ")
        assert product in page
        assert field in page
        assert value in (URL_PLACEHOLDER, TOKEN_PLACEHOLDER) or all(part in page for part in value.split(", "))
    assert {URL_PLACEHOLDER, TOKEN_PLACEHOLDER} <= {value for _, value in GUIDES[provider].fields}


@pytest.mark.parametrize("provider", GUIDES)
def test_mapping_matches_the_documentation(provider: str) -> None:
    page = (
        (PAGES / f"{provider}.md").read_text("utf-8").partition("\n## Map attributes\n")[2].partition("\n## Test\n")[0]
    )
    rows = [
        row.replace("`", "").strip("| ").split(" | ") for row in re.findall(r"^\| .+ \| `.+` \|$", page, re.MULTILINE)
    ]

    assert rows == [[field, attribute] for field, attribute in GUIDES[provider].mapping]


@pytest.mark.parametrize("provider", GUIDES)
def test_message_to_a_colleague_is_complete(provider: str) -> None:
    guide = GUIDES[provider]
    message = build_colleague_message(guide, "https://scim.example.com/scim/v2")

    assert "https://scim.example.com/scim/v2" in message
    assert "the token, which I send you separately" in message
    assert not {URL_PLACEHOLDER, TOKEN_PLACEHOLDER} & set(message.split())
    texts = [*guide.navigation, *guide.next_steps, *(f"{field} -> {name}" for field, name in guide.mapping)]
    assert [text for text in texts if text not in message] == []


@pytest.mark.parametrize("provider", GUIDES)
def test_guide_needs_no_repository_or_command_line(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint], provider: str
) -> None:
    page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/connect/{provider}")
    assert page.status == 200
    for word in ("docs/use/identity-providers", ".md", "muster rotate", "muster strict", "muster log"):
        assert word not in page.text


def test_onelogin_template_equals_the_documentation(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/connect/onelogin")
    (template,) = re.findall(r'<textarea id="value-[^>]*readonly[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    documented = re.findall(r"```json\n(.*?)\n```", (PAGES / "onelogin.md").read_text("utf-8"), re.DOTALL)
    assert unescape(template) == documented[0]
