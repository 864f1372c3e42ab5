"""The generations of the master key, and the JSON that holds them in the stack's secret.

The JSON is the newest generation as ``{"generation", "starts", "key"}``, and the others as objects with these members
in the list ``earlier``. Each generation may sign from ``starts`` on (seconds since 1970), and verifies as long as it is
in the secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from secrets import token_urlsafe

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.auth.master_key.hkdf import derive_key

_MIN_KEY_CHARACTERS = 32


class KeyPurpose(StrEnum):
    """The purpose of a derived key.

    The value is the ``info`` of HKDF. If it changes, everything that was signed with the key becomes invalid.
    """

    TOKEN = "muster token checksum"  # noqa: S105  # a name, not a secret
    CURSOR = "muster cursor"
    SESSION = "muster console session"


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """One generation of the master key, which signs from ``starts`` on (seconds since 1970)."""

    number: int
    starts: float
    key: str = field(repr=False)

    def derive(self, purpose: KeyPurpose) -> bytes:
        """Return the key for one purpose."""
        return _derive_cached(self.key, purpose)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The generations in the secret, the newest first. There is at least one."""

    generations: tuple[KeyGeneration, ...]

    def find_signing_generation(self, now: float) -> KeyGeneration:
        """Return the newest generation that has started, or the oldest one if none has."""
        started = (generation for generation in self.generations if generation.starts <= now)
        return next(started, self.generations[-1])

    def derive_keys(self, purpose: KeyPurpose) -> list[bytes]:
        """Return the keys of all generations for one purpose, the newest first."""
        return [generation.derive(purpose) for generation in self.generations]


class _GenerationDocument(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    generation: int = Field(ge=1)
    starts: float = Field(ge=0, allow_inf_nan=False)
    key: str = Field(min_length=_MIN_KEY_CHARACTERS)


class _KeyRingDocument(_GenerationDocument):
    earlier: list[_GenerationDocument] = []


def parse_key_ring(text: str, secret_id: str) -> KeyRing:
    """Return the generations in a secret. Raise :class:`MalformedSecret` that names the secret and the wrong fields."""
    try:
        newest = _KeyRingDocument.model_validate_json(text)
    except ValidationError as error:
        raise _build_malformed_error(secret_id, list_wrong_fields(error)) from None
    documents = (newest, *newest.earlier)
    numbers = [document.generation for document in documents]
    if numbers != sorted(set(numbers), reverse=True):
        raise _build_malformed_error(secret_id, "the order of the generations")
    return KeyRing(tuple(KeyGeneration(document.generation, document.starts, document.key) for document in documents))


def format_key_ring(ring: KeyRing) -> str:
    """Return the JSON of the generations, as the secret holds it."""
    newest, *earlier = (
        _GenerationDocument(generation=generation.number, starts=generation.starts, key=generation.key)
        for generation in ring.generations
    )
    return _KeyRingDocument(**newest.model_dump(), earlier=earlier).model_dump_json()


def create_generation(number: int, starts: float) -> KeyGeneration:
    """Return a generation with a random key of 384 bits."""
    return KeyGeneration(number, starts, token_urlsafe(48))


def create_first_value() -> str:
    """Return the value of a new secret, as CloudFormation generates it for a stack."""
    return format_key_ring(KeyRing((create_generation(1, 0.0),)))


@lru_cache(maxsize=128)
def _derive_cached(key: str, purpose: KeyPurpose) -> bytes:
    return derive_key(key.encode(), purpose.encode())


def _build_malformed_error(secret_id: str, wrong: str) -> MalformedSecret:
    return MalformedSecret(
        f"The master key in the secret {secret_id} cannot be read (wrong: {wrong}). Make the version AWSPREVIOUS the "
        "current one again, or restore the value from your copy; docs/operate/tokens.md, 'Master key'."
    )
