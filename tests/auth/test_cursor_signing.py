"""The signature of cursors, with a key that is derived from the master key."""

import pytest

from scim.auth.cursor_signing import HmacCursorSigner
from scim.auth.master_key.key_ring import KeyGeneration, KeyRing, format_key_ring
from scim.service.model.query import VerifiedCursor
from tests.tokens import master_key

FIRST = KeyGeneration(1, 0.0, "first key " * 4)
SECOND = KeyGeneration(2, 1_800_000_900.0, "second key " * 4)


class Secret:
    """Secrets Manager with the secret of the master key."""

    def __init__(self, *generations: KeyGeneration) -> None:
        self.generations = generations

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": format_key_ring(KeyRing(self.generations))}


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def secret() -> Secret:
    return Secret(FIRST)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signer(secret: Secret, clock: FakeClock) -> HmacCursorSigner:
    return HmacCursorSigner(master_key(secret, clock), clock)


@pytest.mark.parametrize("content", [b"", b"x", b"content", bytes(range(256))])
def test_signed_cursor_is_valid_for_its_tenant(signer: HmacCursorSigner, clock: FakeClock, content: bytes) -> None:
    text = signer.sign("acme", content)
    clock.now += 7

    assert signer.verify("acme", text) == VerifiedCursor(content, 7)
    assert signer.verify("acme-2", text) is None
    assert text.replace("-", "").replace("_", "").isalnum()


def test_tenant_and_content_are_signed_separately(signer: HmacCursorSigner) -> None:
    assert signer.verify("acm", signer.sign("acme", b"content")) is None


@pytest.mark.parametrize(
    "text", ["", "x", "====", "é", "a b", "A" * 26, "A" * 27, "A" * 28, "\x00" * 40, "A" * 100_000]
)
def test_unsigned_text_is_invalid(signer: HmacCursorSigner, text: str) -> None:
    assert signer.verify("acme", text) is None


def test_cursor_of_earlier_generation_is_valid(signer: HmacCursorSigner, secret: Secret, clock: FakeClock) -> None:
    text = signer.sign("acme", b"old")
    secret.generations = (SECOND, FIRST)
    clock.now += 1_000

    assert signer.verify("acme", text) == VerifiedCursor(b"old", 1_000)
    assert signer.verify("acme", signer.sign("acme", b"new")) == VerifiedCursor(b"new", 0)


def test_cursor_of_dropped_generation_is_invalid(signer: HmacCursorSigner, secret: Secret, clock: FakeClock) -> None:
    text = signer.sign("acme", b"old")
    secret.generations = (SECOND,)
    clock.now += 1_000

    assert signer.verify("acme", text) is None


def test_cursor_of_another_stack_is_invalid(signer: HmacCursorSigner, clock: FakeClock) -> None:
    other = HmacCursorSigner(master_key(Secret(SECOND), clock), clock)

    assert signer.verify("acme", other.sign("acme", b"content")) is None
