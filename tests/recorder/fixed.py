"""Time and random values that are the same in each run."""

import random
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from unittest.mock import patch

import time_machine

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Clock:
    traveller: time_machine.Traveller

    def advance(self, seconds: float) -> None:
        self.traveller.shift(seconds)


@contextmanager
def fixed_time() -> Iterator[Clock]:
    """Stop the clock until the end of the block; it advances only by ``Clock.advance``."""
    with time_machine.travel(START, tick=False) as traveller:
        yield Clock(traveller)


@contextmanager
def fixed_randomness() -> Iterator[None]:
    """Create ids and secrets with a generator with a fixed seed."""
    generator, lock = random.Random(1), Lock()  # noqa: S311  # nothing here is secret

    def token_bytes(size: int | None = None) -> bytes:
        with lock:
            return generator.randbytes(32 if size is None else size)

    def token_urlsafe(size: int | None = None) -> str:
        return urlsafe_b64encode(token_bytes(size)).rstrip(b"=").decode()

    def token_hex(size: int | None = None) -> str:
        return token_bytes(size).hex()

    def uuid4() -> uuid.UUID:
        return uuid.UUID(bytes=token_bytes(16), version=4)

    with (
        patch.object(secrets, "token_bytes", token_bytes),
        patch.object(secrets, "token_urlsafe", token_urlsafe),
        patch.object(secrets, "token_hex", token_hex),
        patch("tests.replay.token_hex", token_hex),
        patch("tests.replay.uuid4", uuid4),
        patch.object(uuid, "uuid4", uuid4),
    ):
        yield
