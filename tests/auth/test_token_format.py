"""Tokens: ``muster_<tenant>_<43 base64url characters>_<32 hex digits of an HMAC>``."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import digest as hmac_digest

import pytest

from scim.auth import token_format

KEY = b"key"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


def build_token(tenant: str = "acme", secret: str = SECRET) -> str:
    body = f"muster_{tenant}_{secret}"
    return f"{body}_{hmac_digest(KEY, body.encode(), 'sha256').hex()[:32]}"


# As :func:`token_format.create_token` creates it, but the same in each run, because tests have it in their names.
TAG = urlsafe_b64encode(hmac_digest(KEY, b"muster_acme_", "sha256")[:8]).decode().rstrip("=")
NEW = build_token("acme", TAG + SECRET[:32])


def parse(text: str) -> tuple[str, bytes] | None:
    """Return the tenant and the digest of a token that was created with the key."""
    parsed = token_format.parse_token(text)
    return (parsed.tenant_id, parsed.digest) if parsed and parsed.matches_key(KEY) else None


def test_new_token_has_the_documented_form() -> None:
    token = token_format.create_token("acme-2", KEY)

    assert re.fullmatch(r"muster_acme-2_[A-Za-z0-9_-]{43}_[0-9a-f]{32}", token)
    tag = hmac_digest(KEY, b"muster_acme-2_", "sha256")[:8]
    assert token.removeprefix("muster_acme-2_")[:11] == urlsafe_b64encode(tag).decode().rstrip("=")
    assert token == build_token("acme-2", token[len("muster_acme-2_") : -33])


def test_tokens_are_unique() -> None:
    assert len({token_format.create_token("acme", KEY) for _ in range(1_000)}) == 1_000


def test_new_tokens_are_parsed() -> None:
    """Of these thousand, about a third have the separator in the random part, some at its start or end."""
    tokens = [token_format.create_token("acme", KEY) for _ in range(1_000)]

    assert [parse(token) for token in tokens] == [("acme", sha256(token.encode()).digest()) for token in tokens]


@pytest.mark.parametrize("tenant", ["a", "0", "acme", "acme-gmbh-2", "-", "x" * 40])
@pytest.mark.parametrize("secret", [SECRET, "_" * 43, "-" * 43, "_acme_" + SECRET[:36] + "_"])
def test_separator_in_secret_is_accepted(tenant: str, secret: str) -> None:
    text = build_token(tenant, secret)

    assert parse(text) == (tenant, sha256(text.encode()).digest())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "muster",
        "muster___",
        build_token(""),
        build_token("x" * 41),
        build_token("Acme"),
        build_token("ac_me"),
        build_token("ac.me"),
        build_token("ácme"),
        build_token(secret=SECRET[:-1]),
        build_token(secret=SECRET + "x"),
        build_token(secret=SECRET[:-1] + "+"),
        build_token(secret=SECRET[:-1] + "٣"),
        build_token() + "\n",
        " " + build_token(),
        build_token() + "0",
        build_token()[:-1],
        build_token()[:-32] + build_token()[-32:].upper(),
        build_token().replace("muster", "MUSTER"),
        build_token().replace("muster_", ""),
        build_token() + build_token(),
    ],
)
def test_malformed_text_is_not_a_token(text: str) -> None:
    assert token_format.parse_token(text) is None


def test_checksum_detects_any_changed_character() -> None:
    token = build_token()
    mistyped = [token[:at] + ("1" if sign == "0" else "0") + token[at + 1 :] for at, sign in enumerate(token)]

    assert [parse(text) for text in mistyped] == [None] * len(token)


def test_repr_does_not_contain_the_token() -> None:
    assert SECRET not in repr(token_format.parse_token(build_token()))


def test_token_of_another_key_does_not_match() -> None:
    parsed = token_format.parse_token(token_format.create_token("acme", b"another key"))

    assert parsed is not None
    assert not parsed.matches_key(KEY)


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        (build_token()[:20], "acme"),
        (f"Bearer Bearer {build_token()}", "acme"),
        (f'Bearer "{build_token()}"', "acme"),
        (build_token() + "x", "acme"),
        ("Bearer muster_acme", None),
        ("Bearer mustard_acme_x", None),
        ("", None),
    ],
)
def test_damaged_token_names_its_tenant(text: str, tenant: str | None) -> None:
    start = token_format.find_start(text)
    assert (start.tenant_id if start else None) == tenant


@pytest.mark.parametrize(
    ("text", "is_proven"),
    [
        (NEW[: len("muster_acme_") + 11], True),
        (NEW[: len("muster_acme_") + 10], False),
        (NEW[:-1], True),
        (NEW, True),
        (f'Bearer "{NEW[:-5]}"', True),
        (NEW.replace("acme", "acne"), False),
        (build_token()[:-1], False),
        (build_token(), False),
        ("muster_acme_\u00e9\u00e9\u00e9\ud83d", False),
    ],
)
def test_start_of_a_token_proves_its_tenant(text: str, is_proven: bool) -> None:
    start = token_format.find_start(text)

    assert start is not None
    assert start.matches_key(KEY) is is_proven
    assert not start.matches_key(b"another key")
    assert start.tag[:5] not in repr(start)


@pytest.mark.parametrize("length", range(len("muster_acme_"), len(NEW) + 2))
def test_token_without_its_end_is_cut_short(length: int) -> None:
    assert token_format.is_cut_short((NEW + "0")[:length]) is (length < len(NEW))


@pytest.mark.parametrize("text", ["", "muster_acme", f" {NEW[:-1]}", f"{NEW[:-5]}.", NEW[1:-1]])
def test_other_text_is_not_cut_short(text: str) -> None:
    assert not token_format.is_cut_short(text)
