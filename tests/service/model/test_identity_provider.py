"""The identity providers that are recognized."""

from pathlib import Path

import pytest

from handlers.console.guides import GUIDES
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider

PAGES = {page.stem for page in (Path(__file__).parents[3] / "docs/use/identity-providers").glob("*.md")}


@pytest.mark.parametrize("provider", IdentityProvider)
def test_provider_has_name_page_and_guide(provider: IdentityProvider) -> None:
    assert provider.display_name
    assert provider in PAGES
    assert provider in GUIDES


@pytest.mark.parametrize(
    ("name", "expected"),
    [*((str(provider), provider) for provider in IdentityProvider), ("unknown", None), (None, None)],
)
def test_stored_name_is_parsed(name: str | None, expected: IdentityProvider | None) -> None:
    assert parse_identity_provider(name) is expected
