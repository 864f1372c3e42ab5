"""The generations of the master key: their keys, their JSON, and errors for a secret that was edited by hand."""

import json
from pathlib import Path

import pytest

from scim.auth.errors import MalformedSecret
from scim.auth.master_key.key_ring import (
    KeyGeneration,
    KeyPurpose,
    KeyRing,
    create_first_value,
    format_key_ring,
    parse_key_ring,
)
from scim.auth.master_key.master_key import START_DELAY_S
from tests.template_reader import Deployment

NOW = 1_800_000_000.0
ROOT = Path(__file__).parents[3]
FIRST = KeyGeneration(1, 0.0, "first key " * 4)
SECOND = KeyGeneration(2, NOW + START_DELAY_S, "second key " * 4)


def test_purposes_and_generations_have_different_keys() -> None:
    keys = {generation.derive(purpose) for generation in (FIRST, SECOND) for purpose in KeyPurpose}

    assert len(keys) == 2 * len(KeyPurpose)
    assert {len(key) for key in keys} == {32}


def test_parse_is_the_inverse_of_format() -> None:
    ring = KeyRing((SECOND, FIRST))

    assert parse_key_ring(format_key_ring(ring), "secret") == ring


def test_new_secrets_differ() -> None:
    (one,), (other,) = (parse_key_ring(create_first_value(), "secret").generations for _ in range(2))

    assert (one.number, one.starts) == (1, 0)
    assert one.key != other.key


def test_template_creates_first_generation_and_retains_it() -> None:
    template = Deployment(ROOT / "template.yaml")
    resource = template["Resources"]["MasterKey"]
    generated = resource["Properties"]["GenerateSecretString"]
    value = json.loads(generated["SecretStringTemplate"]) | {generated["GenerateStringKey"]: "x" * 64}

    (generation,) = parse_key_ring(json.dumps(value), "secret").generations
    assert generation.starts == 0
    assert generated["PasswordLength"] == 64
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_repr_does_not_contain_the_key() -> None:
    assert "first key" not in repr(KeyRing((FIRST,)))


DAMAGED = {
    "": "the JSON",
    "key": "the JSON",
    "[]": "the JSON",
    "{}": "generation, starts, key",
    '{"generation": 1, "starts": 0, "key": "short and secret"}': "key",
    '{"generation": 0, "starts": 0, "key": "' + FIRST.key + '"}': "generation",
    '{"generation": 1, "starts": "soon", "key": "' + FIRST.key + '"}': "starts",
    '{"generation": 1, "starts": 0, "key": "' + FIRST.key + '", "earlier": [{}]}': "earlier.0.generation",
    format_key_ring(KeyRing((FIRST, SECOND))): "the order of the generations",
    format_key_ring(KeyRing((FIRST, FIRST))): "the order of the generations",
}


@pytest.mark.parametrize(("value", "wrong"), DAMAGED.items(), ids=DAMAGED.values())
def test_error_names_the_damaged_secret_without_its_values(value: str, wrong: str) -> None:
    with pytest.raises(MalformedSecret) as malformed:
        parse_key_ring(value, "muster/master-key")

    text = str(malformed.value)
    assert "muster/master-key" in text
    assert f"(wrong: {wrong}" in text
    assert "AWSPREVIOUS" in text
    assert "short and secret" not in text
    assert FIRST.key not in text
