"""The guides of the console are the short form of docs/identity-providers."""

from pathlib import Path

import pytest

from handlers.console.guides import GUIDES, TOKEN, URL

PAGES = Path(__file__).parents[2] / "docs/identity-providers"


def connect(provider: str) -> str:
    """How to connect, as the page tells it, without its markup."""
    text = (PAGES / f"{provider}.md").read_text("utf-8").partition("\n## Connect\n")[2].partition("\n## ")[0]
    return text.replace("*", "").replace("`", "")


def test_every_provider_has_a_guide() -> None:
    assert set(GUIDES) == {page.stem for page in PAGES.glob("*.md")} - {"README"}


@pytest.mark.parametrize("provider", GUIDES)
def test_fields_and_values_are_those_of_the_page(provider: str) -> None:
    page = connect(provider)
    for label, value in GUIDES[provider].fields:
        assert label in page
        assert value in (URL, TOKEN) or all(part in page for part in value.split(", "))
    assert {URL, TOKEN} <= {value for _, value in GUIDES[provider].fields}
