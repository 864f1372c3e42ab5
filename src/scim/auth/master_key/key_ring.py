"""The generations (versions) of the master key, and their JSON in the stack's secret.

The JSON is an object ``{"generation", "starts", "key", "earlier"}`` for the newest generation. ``earlier`` is the list
of the other generations, as objects with the first three members. A generation may sign from ``starts`` on (seconds
since 1970). It verifies signatures until it is removed from the secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from secrets import token_urlsafe
from typing import ClassVar

from pydantic_core import ValidationError, core_schema, to_json

from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.auth.master_key.hkdf import derive_key
from scim.protocol.document import Members, ValidatedDocument, member

_MIN_KEY_CHARACTERS = 32


class KeyPurpose(StrEnum):
    """The purpose of a derived key.

    The value is the ``info`` of HKDF. If a value changes, everything that was signed with the key becomes invalid.
    """

    TOKEN = "muster token checksum"  # noqa: S105  # a name, not a secret
    CURSOR = "muster cursor"
    SESSION = "muster console session"


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """One generation of the master key. It may sign from ``starts`` on (seconds since 1970)."""

    number: int
    starts: float
    key: str = field(repr=False)

    def derive(self, purpose: KeyPurpose) -> bytes:
        """Return the derived key for a purpose."""
        return _derive_cached(self.key, purpose)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The generations in the secret, newest first. There is at least one."""

    generations: tuple[KeyGeneration, ...]

    def find_signing_generation(self, now: float) -> KeyGeneration:
        """Return the newest generation that has started, or the oldest one if none has started.

        ``now`` is in seconds since 1970.
        """
        started = (generation for generation in self.generations if generation.starts <= now)
        return next(started, self.generations[-1])

    def derive_keys(self, purpose: KeyPurpose) -> list[bytes]:
        """Return the keys of all generations for a purpose, newest first."""
        return [generation.derive(purpose) for generation in self.generations]


class _GenerationDocument(ValidatedDocument):
    MEMBERS: ClassVar[Members] = {
        "generation": member(core_schema.int_schema(ge=1)),
        "starts": member(core_schema.float_schema(ge=0, allow_inf_nan=False)),
        "key": member(core_schema.str_schema(min_length=_MIN_KEY_CHARACTERS)),
    }
    generation: int
    starts: float
    key: str


class _KeyRingDocument(_GenerationDocument):
    MEMBERS: ClassVar[Members] = {
        **_GenerationDocument.MEMBERS,
        "earlier": member(core_schema.list_schema(_GenerationDocument.SCHEMA), ()),
    }
    earlier: Sequence[_GenerationDocument]


def parse_key_ring(text: str, secret_id: str) -> KeyRing:
    """Return the generations in the text of a secret.

    Raise :class:`MalformedSecret`, which names the secret and the invalid fields.
    """
    try:
        newest = _KeyRingDocument.from_json(text)
    except ValidationError as error:
        raise _build_malformed_error(secret_id, list_wrong_fields(error)) from None
    documents = (newest, *newest.earlier)
    numbers = [document.generation for document in documents]
    if numbers != sorted(set(numbers), reverse=True):
        raise _build_malformed_error(secret_id, "the order of the generations")
    return KeyRing(tuple(KeyGeneration(document.generation, document.starts, document.key) for document in documents))


def format_key_ring(ring: KeyRing) -> str:
    """Return the JSON of the generations for the secret."""
    newest, *earlier = (
        {"generation": generation.number, "starts": generation.starts, "key": generation.key}
        for generation in ring.generations
    )
    return to_json({**newest, "earlier": earlier}).decode()


def create_generation(number: int, starts: float) -> KeyGeneration:
    """Return a generation with a random key of 384 bits. ``starts`` is in seconds since 1970."""
    return KeyGeneration(number, starts, token_urlsafe(48))


def create_first_value() -> str:
    """Return the value of a new secret, in the form that CloudFormation generates for a new stack."""
    return format_key_ring(KeyRing((create_generation(1, 0.0),)))


@lru_cache(maxsize=128)
def _derive_cached(key: str, purpose: KeyPurpose) -> bytes:
    return derive_key(key.encode(), purpose.encode())


def _build_malformed_error(secret_id: str, wrong: str) -> MalformedSecret:
    return MalformedSecret(
        f"The master key in the secret {secret_id} cannot be read (wrong: {wrong}). Move the label "
        "AWSCURRENT back to the version AWSPREVIOUS: see docs/operate/tokens.md, 'The secret is damaged'."
    )
