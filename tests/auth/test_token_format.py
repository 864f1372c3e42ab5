"""Tokens: ``muster_<tenant>_<43 base64url characters>_<32 hex digits of an HMAC>``."""

import re
from hashlib import sha256
from hmac import digest as hmac_digest

import pytest

from scim.auth import token_format

KEY = b"key"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


def token(tenant: str = "acme", secret: str = SECRET) -> str:
    body = f"muster_{tenant}_{secret}"
    return f"{body}_{hmac_digest(KEY, body.encode(), 'sha256').hex()[:32]}"


def read(text: str) -> tuple[str, bytes] | None:
    """The tenant and the digest of a token that was made with the key."""
    found = token_format.parse_token(text)
    return (found.tenant_id, found.digest) if found and found.matches_key(KEY) else None


def test_new_token_has_the_form_by_which_scanners_know_it() -> None:
    made = token_format.create_token("acme-2", KEY)

    assert re.fullmatch(r"muster_acme-2_[A-Za-z0-9_-]{43}_[0-9a-f]{32}", made)
    assert made == token("acme-2", made[len("muster_acme-2_") : -33])


def test_no_two_tokens_are_the_same() -> None:
    assert len({token_format.create_token("acme", KEY) for _ in range(1_000)}) == 1_000


def test_every_new_token_is_read_as_its_tenants() -> None:
    """A thousand of them: a third holds the separator in the random part, some at its very ends."""
    made = [token_format.create_token("acme", KEY) for _ in range(1_000)]

    assert [read(each) for each in made] == [("acme", sha256(each.encode()).digest()) for each in made]


@pytest.mark.parametrize("tenant", ["a", "0", "acme", "acme-gmbh-2", "-", "x" * 40])
@pytest.mark.parametrize("secret", [SECRET, "_" * 43, "-" * 43, "_acme_" + SECRET[:36] + "_"])
def test_token_is_read_from_both_ends(tenant: str, secret: str) -> None:
    text = token(tenant, secret)

    assert read(text) == (tenant, sha256(text.encode()).digest())


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
        token()[:-32] + token()[-32:].upper(),
        token().replace("muster", "MUSTER"),
        token().replace("muster_", ""),
        token() + token(),
    ],
)
def test_anything_of_another_form_is_no_token(text: str) -> None:
    assert token_format.parse_token(text) is None


def test_mistyped_token_is_told_by_its_checksum() -> None:
    text = token()
    mistyped = [text[:at] + ("1" if sign == "0" else "0") + text[at + 1 :] for at, sign in enumerate(text)]

    assert [read(each) for each in mistyped] == [None] * len(text)


def test_token_does_not_show_itself_in_what_is_kept_of_it() -> None:
    assert SECRET not in repr(token_format.parse_token(token()))


def test_token_made_with_another_key_is_not_ours() -> None:
    found = token_format.parse_token(token_format.create_token("acme", b"another key"))

    assert found is not None
    assert not found.matches_key(KEY)


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        (token()[:20], "acme"),
        (f"Bearer Bearer {token()}", "acme"),
        (f'Bearer "{token()}"', "acme"),
        (token() + "x", "acme"),
        ("Bearer muster_acme", None),
        ("Bearer mustard_acme_x", None),
        ("", None),
    ],
)
def test_damaged_token_names_its_tenant(text: str, tenant: str | None) -> None:
    assert token_format.find_tenant_id(text) == tenant
