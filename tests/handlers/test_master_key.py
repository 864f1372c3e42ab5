"""Tokens over the rotation of the master key, through the handlers."""

import os
import time
from collections.abc import Iterator

import pytest

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.auth.master_key.key_ring import KeyGeneration, KeyRing, create_generation, format_key_ring, parse_key_ring
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import Endpoint
from tests.tokens import MASTER_KEY, put_master_key

(FIRST,) = parse_key_ring(MASTER_KEY, "").generations


@pytest.fixture
def second(aws: None) -> Iterator[KeyGeneration]:
    """A generation that signs now. The key of the tests is there again afterwards."""
    yield create_generation(2, time.time() - 1)
    put_master_key(MASTER_KEY)


def status(token: str) -> int:
    """The answer of an execution environment that has read nothing yet."""
    return Endpoint(token, ScimApplication(find_endpoint)).request("GET", "/Users").status


def test_token_is_valid_until_its_key_generation_ends(scim: Endpoint, second: KeyGeneration) -> None:
    tenant, old = scim.token.split("_")[1], scim.token
    put_master_key(format_key_ring(KeyRing((second, FIRST))))
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests").build_administration().tenants
    operator.tokens.mark_revealed(operator.tokens.rotate(tenant))  # the first token, which nobody has seen yet
    new = operator.tokens.rotate(tenant).token

    assert (status(old), status(new)) == (200, 200)
    put_master_key(format_key_ring(KeyRing((second,))))
    assert (status(old), status(new)) == (401, 200)


def test_every_function_accepts_tokens_of_the_console(scim: Endpoint, second: KeyGeneration) -> None:
    """A generation that has not started signs nothing, though it is in the secret."""
    waiting = create_generation(3, time.time() + 900)
    put_master_key(format_key_ring(KeyRing((waiting, second, FIRST))))
    token = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests")
        .build_administration()
        .tenants.connect("waiting-key")
        .token
    )
    put_master_key(format_key_ring(KeyRing((second, FIRST))))  # what an execution environment has read before

    assert status(token) == 200
