"""The links of a user as they are stored."""

from hypothesis import given
from hypothesis import strategies as st

from scim.service.model.links import Link, UserLinks

texts = st.text(st.characters(exclude_categories=["Cs"]))
links = st.builds(Link, texts, texts, texts, st.none() | st.integers(0, 9_999))


@given(st.integers(0, 9), st.lists(links))
def test_parse_is_the_inverse_of_to_json(sequence: int, links: list[Link]) -> None:
    references = UserLinks(sequence, tuple(links))
    assert UserLinks.parse(references.to_json()) == references


def test_user_without_links_stores_none() -> None:
    assert UserLinks().to_json() == ""
    assert UserLinks(2).to_json() == "[2]"


def test_stored_form() -> None:
    """Items of earlier versions have this form, so it must not change."""
    references = UserLinks(1, (Link("manager", "hash", "id", 7),))
    assert references.to_json() == '[1,["manager","hash","id",7]]'
