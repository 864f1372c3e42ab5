"""The tokenizer: tokens, and the positions in errors."""

import re

import pytest

from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.filter.tokenizer import MAX_LENGTH, Tokenizer

WORD = re.compile(r"\w+")
DOT = re.compile(r"\.")


def test_take_token() -> None:
    tokenizer = Tokenizer(" title\t pr\r\n", InvalidFilter)
    assert (
        tokenizer.take_token(DOT),
        tokenizer.take_token(WORD),
        tokenizer.take_token(WORD),
        tokenizer.take_token(WORD),
    ) == (
        None,
        "title",
        "pr",
        None,
    )
    tokenizer.expect_end()


def test_take_adjacent_token() -> None:
    tokenizer = Tokenizer("name.givenName .x", InvalidFilter)
    tokenizer.take_token(WORD)
    assert tokenizer.take_adjacent_token(DOT) == "."
    tokenizer.take_token(WORD)
    assert tokenizer.take_adjacent_token(DOT) is None


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("Cost Center eq 1", "Cost Center"),
        (" cost CENTER.value", "cost CENTER"),
        ("Cost Centers", None),
        ("Cost-Center", None),
        ("Cost  Center", None),
        ("", None),
    ],
)
def test_take_name(text: str, token: str | None) -> None:
    assert Tokenizer(text, InvalidFilter).take_name(["cost center"]) == token


def test_first_matching_name_is_taken() -> None:
    assert Tokenizer("Cost Center", InvalidFilter).take_name(["cost center", "cost"]) == "Cost Center"
    assert Tokenizer("Cost Center", InvalidFilter).take_name(["cost", "cost center"]) == "Cost"


@pytest.mark.parametrize("error_class", [InvalidFilter, InvalidPath])
def test_error_has_class_and_position(error_class: type[InvalidFilter | InvalidPath]) -> None:
    tokenizer = Tokenizer("title pr", error_class)
    with pytest.raises(error_class, match=r"^A dot is expected at character 1 of 8\.$"):
        tokenizer.expect_token(DOT, "A dot")
    assert tokenizer.expect_token(WORD, "A word") == "title"
    with pytest.raises(error_class, match=r"^Unexpected text at character 7 of 8\.$"):
        tokenizer.expect_end()
    with pytest.raises(error_class, match=r"^Not this at character 1 of 8\.$"):
        tokenizer.fail_at_last_token("Not this")
    tokenizer.take_token(WORD)
    with pytest.raises(error_class, match=r"^More is expected at the end\.$"):
        tokenizer.fail_at_position("More is expected")


def test_length_is_limited() -> None:
    Tokenizer("x" * MAX_LENGTH, InvalidFilter)
    with pytest.raises(InvalidFilter, match="The maximum is 10000"):
        Tokenizer("x" * (MAX_LENGTH + 1), InvalidFilter)
