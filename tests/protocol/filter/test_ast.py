"""The tree of a filter."""

import pytest

from scim.protocol.filter.ast import list_paths
from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import Dialect
from scim.protocol.schema import load_user_type
from tests.endpoint import ENTERPRISE


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('userName eq "meta"', ["userName"]),
        ("meta.created pr", ["meta.created"]),
        ('not (meta.location co "x")', ["meta.location"]),
        (
            'title pr and (active eq true or not (META.created gt "2026-01-01T00:00:00Z"))',
            ["title", "active", "meta.created"],
        ),
        ('emails[type eq "work" and value co "x"]', ['emails[type eq "work" and value co "x"]']),
        ('emails[type eq "work"].value pr or title pr', ['emails[type eq "work"].value', "title"]),
        (f'{ENTERPRISE}:manager.value eq "boss"', [f"{ENTERPRISE}:manager.value"]),
    ],
)
def test_paths_of_every_term(text: str, paths: list[str]) -> None:
    """A selection is a part of its path, and a value is no path."""
    assert list(map(str, list_paths(parse_filter(text, load_user_type(), Dialect())))) == paths
