"""The master key of the stack: one secret, from which the keys for tokens, cursors and console sessions are derived.

The secret holds one or more generations of the key as JSON: the newest one as ``{"generation", "starts", "key"}``, the
others as a list of the same in ``earlier``. Each generation may sign from ``starts`` on (seconds since 1970), and
verifies as long as it is in the secret. A new generation starts :data:`START_DELAY_S` after it is written. By then each
execution environment has read it, or knows that its own copy of the secret is too old to reject anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFault
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scim.auth.errors import MalformedSecret
from scim.auth.master_key.hkdf import derive_key
from scim.aws.staging_labels import AWSCURRENT
from scim.protocol.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_S = 300.0
"""For how long an execution environment uses the secret before it reads it again."""
STALE_S = 600.0
"""The age from which on a copy of the secret may lack a generation that already signs."""
START_DELAY_S = 1_800.0
"""The time from writing a generation to its start: :data:`STALE_S`, 15 minutes for the clock of the writer, 5 to spare.

AWS rejects requests whose time is wrong by more than 5 minutes, some services only by more than 15.
"""
_RETRY_S = 10.0
"""The time between two attempts to read the secret while Secrets Manager does not answer."""
_FEWEST_CHARACTERS = 32


class KeyPurpose(StrEnum):
    """What a derived key is for. The value is the ``info`` of HKDF, so changing it ends what was made with the key."""

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
        return _derive(self.key, purpose)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The generations in the secret, the newest first; there is at least one."""

    generations: tuple[KeyGeneration, ...]

    def signing(self, now: float) -> KeyGeneration:
        """Return the newest generation that has started, or the oldest one if none has."""
        started = (each for each in self.generations if each.starts <= now)
        return next(started, self.generations[-1])

    def keys(self, purpose: KeyPurpose) -> list[bytes]:
        """Return the derived keys of all generations, the newest first."""
        return [each.derive(purpose) for each in self.generations]


class _Generation(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    generation: int = Field(ge=1)
    starts: float = Field(ge=0, allow_inf_nan=False)
    key: str = Field(min_length=_FEWEST_CHARACTERS)


class _Secret(_Generation):
    earlier: list[_Generation] = []


def parse_ring(text: str, secret_id: str) -> KeyRing:
    """Return what the secret holds. Raise :class:`MalformedSecret` that names the secret and the wrong fields."""
    try:
        newest = _Secret.model_validate_json(text)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) or "the JSON" for each in error.errors(include_input=False))
        raise _malformed(secret_id, wrong) from None
    numbers = [each.generation for each in (newest, *newest.earlier)]
    if numbers != sorted(set(numbers), reverse=True):
        raise _malformed(secret_id, "the order of the generations")
    return KeyRing(tuple(KeyGeneration(each.generation, each.starts, each.key) for each in (newest, *newest.earlier)))


def format_ring(ring: KeyRing) -> str:
    """Return the generations as the secret holds them."""
    newest, *earlier = (
        _Generation(generation=each.number, starts=each.starts, key=each.key) for each in ring.generations
    )
    return _Secret(**newest.model_dump(), earlier=earlier).model_dump_json()


def new_generation(number: int, starts: float) -> KeyGeneration:
    """Return a generation with a random key of 384 bits."""
    return KeyGeneration(number, starts, token_urlsafe(48))


def new_secret() -> str:
    """Return the value of a secret that is new, as CloudFormation makes it at a stack."""
    return format_ring(KeyRing((new_generation(1, 0.0),)))


class MasterKey:
    """The generations of the master key, cached for :data:`CACHE_S`.

    ``secret_id`` is the name or ARN of the secret, ``now`` returns the seconds since 1970. ``report`` receives the
    fault when the secret cannot be read again; the cached generations stay in use then.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        now: Callable[[], float],
        report: Callable[[Exception], None],
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._report = report
        self._ring: KeyRing | None = None
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    def signing_key(self, purpose: KeyPurpose) -> bytes:
        """Return the key to sign with now. Raise :class:`Unavailable` if the secret was never read."""
        return self.ring().signing(self._now()).derive(purpose)

    def verify(self, purpose: KeyPurpose, is_match: Callable[[bytes], bool]) -> bool:
        """Return whether something was made with one of the keys.

        Raise :class:`Unavailable` where none matches and the cached secret may lack the key that does.
        """
        ring = self.ring()
        if any(is_match(key) for key in ring.keys(purpose)):
            return True
        if not _is_within(self._now() - self._read_at, STALE_S):
            raise _unavailable()
        return False

    def ring(self) -> KeyRing:
        """Return the generations. Raise :class:`Unavailable` if the secret was never read."""
        now = self._now()
        is_due = not (_is_within(now - self._read_at, CACHE_S) or _is_within(now - self._tried_at, _RETRY_S))
        if self._ring is None or is_due:
            self._ring = self._read(now)
        return self._ring

    def _read(self, now: float) -> KeyRing:
        """Read the secret, or keep what is cached where that fails."""
        self._tried_at = now
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=AWSCURRENT)
            ring = parse_ring(answer.get("SecretString", ""), self._secret_id)
        except (ClientError, ConnectionFault, HTTPClientError, MalformedSecret) as fault:
            if self._ring is None:
                raise _unavailable() from fault
            self._report(fault)
            return self._ring
        self._read_at = now
        return ring


def _is_within(age: float, limit: float) -> bool:
    """Return whether an age is below the limit; a negative one is not, since the clock was set back."""
    return 0 <= age < limit


@lru_cache(maxsize=128)
def _derive(key: str, purpose: KeyPurpose) -> bytes:
    return derive_key(key.encode(), purpose.encode())


def _malformed(secret_id: str, wrong: str) -> MalformedSecret:
    return MalformedSecret(
        f"The master key in the secret {secret_id} cannot be read (wrong: {wrong}). Make the version AWSPREVIOUS the "
        "current one again, or restore the value from your copy; docs/operations.md, 'Master key'."
    )


def _unavailable() -> Unavailable:
    return Unavailable(
        "The request could not be checked because the endpoint cannot read its master key; send it again.",
        headers={"Retry-After": "2"},
    )
