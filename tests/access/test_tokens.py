"""Tokens: ``muster_<tenant>_<43 base64url characters>_<8 hex digits of CRC-32>``."""

import re
from hashlib import sha256
from zlib import crc32

import pytest

from scim.access import tokens
from scim.access.tokens import Token

SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


def token(tenant: str = "acme", secret: str = SECRET) -> str:
    body = f"muster_{tenant}_{secret}"
    return f"{body}_{crc32(body.encode()):08x}"


def test_new_token_has_the_form_by_which_scanners_know_it() -> None:
    made = tokens.new("acme-2")

    assert re.fullmatch(r"muster_acme-2_[A-Za-z0-9_-]{43}_[0-9a-f]{8}", made)
    assert made == token("acme-2", made[len("muster_acme-2_") : -9])


def test_no_two_tokens_are_the_same() -> None:
    assert len({tokens.new("acme") for _ in range(1_000)}) == 1_000


def test_every_new_token_is_read_as_its_tenants() -> None:
    """A thousand of them: a third holds the separator in the random part, some at its very ends."""
    made = [tokens.new("acme") for _ in range(1_000)]

    assert [tokens.parse(each) for each in made] == [Token("acme", sha256(each.encode()).digest()) for each in made]


@pytest.mark.parametrize("tenant", ["a", "0", "acme", "acme-gmbh-2", "-", "x" * 40])
@pytest.mark.parametrize("secret", [SECRET, "_" * 43, "-" * 43, "_acme_" + SECRET[:36] + "_"])
def test_token_is_read_from_both_ends(tenant: str, secret: str) -> None:
    text = token(tenant, secret)

    assert tokens.parse(text) == Token(tenant, sha256(text.encode()).digest())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "muster",
        "muster___",
        token(""),
        token("x" * 41),
        token("Acme"),
        token("ac_me"),
        token("ac.me"),
        token("ácme"),
        token(secret=SECRET[:-1]),
        token(secret=SECRET + "x"),
        token(secret=SECRET[:-1] + "+"),
        token(secret=SECRET[:-1] + "٣"),
        token() + "\n",
        " " + token(),
        token() + "0",
        token()[:-1],
        token()[:-8] + token()[-8:].upper(),
        token().replace("muster", "MUSTER"),
        token().replace("muster_", ""),
        token() + token(),
    ],
)
def test_anything_of_another_form_is_no_token(text: str) -> None:
    assert tokens.parse(text) is None


def test_mistyped_token_is_told_by_its_checksum() -> None:
    text = token()
    mistyped = [text[:at] + ("1" if sign == "0" else "0") + text[at + 1 :] for at, sign in enumerate(text)]

    assert [tokens.parse(each) for each in mistyped] == [None] * len(text)


def test_token_does_not_show_itself_in_what_is_kept_of_it() -> None:
    assert SECRET not in repr(tokens.parse(token()))
