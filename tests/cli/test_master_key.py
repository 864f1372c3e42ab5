"""Test ``master-key``."""

from collections.abc import Iterator

import pytest

from scim.auth.master_key.key_ring import KeyRing, create_generation, format_key_ring, parse_key_ring
from tests.cli.conftest import Muster
from tests.endpoint import ENVIRONMENT
from tests.tokens import KEY, MASTER_KEY, put_master_key

NAME = ENVIRONMENT["MASTER_KEY_SECRET"]


@pytest.fixture(autouse=True)
def restore_master_key(run: Muster) -> Iterator[None]:
    """Restore the key of the tests afterwards."""
    yield
    put_master_key(MASTER_KEY)


def test_status_shows_generations_without_the_key(run: Muster) -> None:
    assert run.json_lines("master-key", "status") == [{"generation": 1, "starts": None, "state": "signs"}]
    assert KEY not in run("master-key", "status").output


def test_rotation_adds_a_generation_that_waits(run: Muster) -> None:
    waiting, first = run.json_lines("master-key", "rotate")

    assert (waiting["generation"], waiting["state"]) == (2, "waiting")
    assert first == {"generation": 1, "starts": None, "state": "signs"}
    assert run.json_lines("master-key", "rotate") == run.json_lines("master-key", "status") == [waiting, first]


def test_drop_waits_until_the_newest_generation_signs(run: Muster) -> None:
    run("master-key", "rotate")

    assert "does not sign yet" in run("master-key", "drop-earlier", "--yes", code=4).output


def test_drop_asks_and_keeps_the_newest(run: Muster) -> None:
    (first,) = parse_key_ring(MASTER_KEY, NAME).generations
    put_master_key(format_key_ring(KeyRing((create_generation(2, 1.0), first))))

    assert (
        "Every tenant with such a token needs a new token"
        in run("master-key", "drop-earlier", answer="n\n", code=1).output
    )
    assert [generation["state"] for generation in run.json_lines("master-key", "status")] == ["signs", "verifies"]
    dropped = run("master-key", "drop-earlier", "--yes")
    assert "stop working within 5 minutes" in dropped.stderr
    assert [generation["generation"] for generation in run.json_lines("master-key", "status")] == [2]


def test_dropping_the_only_generation_removes_nothing(run: Muster) -> None:
    """Without a rotation, a leaked key would continue to sign."""
    dropped = run("master-key", "drop-earlier", "--yes")
    assert "Nothing was removed: generation 1 is the only one." in dropped.stderr
    assert "muster master-key rotate" in dropped.stderr
    assert "stop working" not in dropped.stderr
    assert [generation["generation"] for generation in run.json_lines("master-key", "status")] == [1]


def test_damaged_key_is_one_error_line(run: Muster) -> None:
    put_master_key("edited by hand")

    result = run("master-key", "status", code=1)
    assert "The master key in the secret muster/master-key cannot be read" in result.output
    assert "edited by hand" not in result.output
