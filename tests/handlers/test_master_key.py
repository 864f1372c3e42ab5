"""Tokens during a rotation of the master key."""

import os
import time
from collections.abc import Iterator

import pytest

from scim.auth.master_key.key_ring import KeyGeneration, KeyRing, create_generation, format_key_ring, parse_key_ring
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import Endpoint
from tests.handlers.tenants import get_tenant_id, start_environment
from tests.tokens import MASTER_KEY, put_master_key

(FIRST,) = parse_key_ring(MASTER_KEY, "").generations


@pytest.fixture
def second_generation(aws: None) -> Iterator[KeyGeneration]:
    """Return a generation that signs now. Restore the key of the tests afterwards."""
    yield create_generation(2, time.time() - 1)
    put_master_key(MASTER_KEY)


def get_status(token: str) -> int:
    """Return the status of a request in a new execution environment."""
    return start_environment(token).request("GET", "/Users").status


def test_token_is_valid_until_its_key_generation_ends(scim: Endpoint, second_generation: KeyGeneration) -> None:
    tenant, old = get_tenant_id(scim), scim.token
    put_master_key(format_key_ring(KeyRing((second_generation, FIRST))))
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests").build_administration().tenants
    operator.tokens.mark_revealed(
        operator.tokens.rotate(tenant)
    )  # repeats the first token, which was not displayed yet
    new = operator.tokens.rotate(tenant).token

    assert (get_status(old), get_status(new)) == (200, 200)
    put_master_key(format_key_ring(KeyRing((second_generation,))))
    assert (get_status(old), get_status(new)) == (401, 200)


def test_new_token_is_valid_before_caches_expire(scim: Endpoint, second_generation: KeyGeneration) -> None:
    """A generation that is in the secret and has not started does not sign."""
    waiting = create_generation(3, time.time() + 900)
    put_master_key(format_key_ring(KeyRing((waiting, second_generation, FIRST))))
    token = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests")
        .build_administration()
        .tenants.connect("waiting-key")
        .token
    )
    put_master_key(
        format_key_ring(KeyRing((second_generation, FIRST)))
    )  # the version that other environments have cached

    assert get_status(token) == 200
