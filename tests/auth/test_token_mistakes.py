"""The mistakes with which a token is entered, and the 401 for each of them (RFC 6750 section 3.1)."""

import pytest

from scim.auth.token_mistakes import build_unauthorized_error, find_mistake
from scim.protocol.errors import Rule

TOKEN = f"muster_acme_{'Aa0-_b1' * 6}x_{'0123456789abcdef' * 2}"
NO_TOKEN = ["", " ", "Bearer", "bearer ", "non-token", "Basic YTpi", "Digest x", "Token abc", "muster", "Bearer\t"]
MISTAKES = {
    f"Bearer Bearer {TOKEN}": Rule.TOKEN_WITH_BEARER,
    f"bearer  BEARER  {TOKEN}": Rule.TOKEN_WITH_BEARER,
    f'Bearer "Bearer {TOKEN}"': Rule.TOKEN_WITH_BEARER,
    f"Bearer Bearer: {TOKEN}": Rule.TOKEN_WITH_BEARER,
    f"Bearer Authorization: Bearer {TOKEN}": Rule.TOKEN_WITH_BEARER,
    f"Bearer Bearer{TOKEN}": Rule.TOKEN_WITH_BEARER,
    f"Bearer Bearer {TOKEN[:-5]}": Rule.TOKEN_WITH_BEARER,
    "Bearer Bearer 0123456789": Rule.TOKEN_WITH_BEARER,
    TOKEN: Rule.TOKEN_WITHOUT_BEARER,
    f'"{TOKEN}"': Rule.TOKEN_WITHOUT_BEARER,
    f"Token {TOKEN}": Rule.TOKEN_WITHOUT_BEARER,
    f"Basic {TOKEN}": Rule.TOKEN_WITHOUT_BEARER,
    f"token={TOKEN}": Rule.TOKEN_WITHOUT_BEARER,
    f'Bearer "{TOKEN}"': Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer '{TOKEN}'": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer \u201c{TOKEN}\u201d": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer <{TOKEN}>": Rule.TOKEN_WITH_OTHER_TEXT,
    f'"Bearer {TOKEN}"': Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer: {TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer Token: {TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN} {TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN}{TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer Token{TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN}expires": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN[:30]} {TOKEN[30:]}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN[:30]}\t{TOKEN[30:]}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN},": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer https://scim.example.com/scim/v2 {TOKEN}": Rule.TOKEN_WITH_OTHER_TEXT,
    f"Bearer {TOKEN[:-1]}": Rule.TOKEN_CUT_SHORT,
    f"bearer {TOKEN[:30]}": Rule.TOKEN_CUT_SHORT,
}
OTHER_TOKENS = [
    f"Bearer {TOKEN}",
    f"Bearer {TOKEN[:-1]}z",
    f"Bearer {TOKEN[1:]}",
    "Bearer 0123456789",
    "Bearer https://scim.example.com/scim/v2",
]


@pytest.mark.parametrize("authorization", NO_TOKEN)
def test_request_without_a_token_has_no_error_code(authorization: str) -> None:
    error = build_unauthorized_error(authorization)

    assert (error.status, error.rule, error.headers) == (401, Rule.TOKEN, {"WWW-Authenticate": 'Bearer realm="SCIM"'})
    assert "The request has none." in error.detail


@pytest.mark.parametrize("authorization", MISTAKES)
def test_mistake_has_its_rule(authorization: str) -> None:
    assert find_mistake(authorization) is MISTAKES[authorization]


@pytest.mark.parametrize("authorization", OTHER_TOKENS)
def test_other_tokens_have_no_mistake(authorization: str) -> None:
    assert find_mistake(authorization) is None
    assert build_unauthorized_error(authorization).rule is Rule.TOKEN


@pytest.mark.parametrize("authorization", [*MISTAKES, *OTHER_TOKENS])
def test_a_token_that_is_not_valid_has_an_error_code(authorization: str) -> None:
    error = build_unauthorized_error(authorization)

    assert error.headers == {"WWW-Authenticate": 'Bearer realm="SCIM", error="invalid_token"'}
    assert error.detail.startswith("The bearer token is missing or not valid. ")
    assert "muster_acme" not in error.detail


@pytest.mark.parametrize(
    ("authorization", "remedy"),
    [
        (f"Bearer Bearer {TOKEN}", "enter the token without this word"),
        (TOKEN, "Set the identity provider to send a bearer token"),
        (f'Bearer "{TOKEN}"', "Enter only the token"),
        ("Bearer https://scim.example.com/scim/v2", "A URL is sent in its place"),
        (f"Bearer {TOKEN[:-1]}", "Copy the whole token"),
    ],
)
def test_detail_says_what_to_change(authorization: str, remedy: str) -> None:
    assert remedy in build_unauthorized_error(authorization).detail
