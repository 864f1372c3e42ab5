"""What the command line shows and changes of the master key."""

from collections.abc import Iterator

import pytest

from scim.auth.master_key.key_ring import KeyRing, create_generation, format_key_ring, parse_key_ring
from tests.cli.conftest import Muster
from tests.endpoint import ENVIRONMENT
from tests.tokens import KEY, MASTER_KEY, put_master_key

NAME = ENVIRONMENT["MASTER_KEY_SECRET"]


@pytest.fixture(autouse=True)
def restored(run: Muster) -> Iterator[None]:
    """The key of the tests is there again afterwards."""
    yield
    put_master_key(MASTER_KEY)


def test_status_shows_generations_and_never_the_key(run: Muster) -> None:
    assert run.json("master-key", "status") == [{"generation": 1, "starts": None, "state": "signs"}]
    assert KEY not in run("master-key", "status").output


def test_rotation_adds_a_generation_that_waits(run: Muster) -> None:
    waiting, first = run.json("master-key", "rotate")

    assert (waiting["generation"], waiting["state"]) == (2, "waiting")
    assert first == {"generation": 1, "starts": None, "state": "signs"}
    assert run.json("master-key", "rotate") == run.json("master-key", "status") == [waiting, first]


def test_earlier_generations_are_not_dropped_before_the_newest_signs(run: Muster) -> None:
    run("master-key", "rotate")

    assert "has not started yet" in run("master-key", "drop-earlier", "--yes", code=4).output


def test_dropping_asks_and_leaves_the_newest(run: Muster) -> None:
    (first,) = parse_key_ring(MASTER_KEY, NAME).generations
    put_master_key(format_key_ring(KeyRing((create_generation(2, 1.0), first))))

    assert "Each of those tenants needs a new token" in run("master-key", "drop-earlier", answer="n\n", code=1).output
    assert [each["state"] for each in run.json("master-key", "status")] == ["signs", "verifies"]
    dropped = run("master-key", "drop-earlier", "--yes")
    assert "end within 5 minutes" in dropped.stderr
    assert [each["generation"] for each in run.json("master-key", "status")] == [2]


def test_dropping_the_only_generation_says_that_nothing_was_removed(run: Muster) -> None:
    """Without a rotation before it, a key that somebody else has learned goes on signing."""
    dropped = run("master-key", "drop-earlier", "--yes")
    assert "Nothing was removed: generation 1 is the only one." in dropped.stderr
    assert "muster master-key rotate" in dropped.stderr
    assert "end within" not in dropped.stderr
    assert [each["generation"] for each in run.json("master-key", "status")] == [1]


def test_damaged_key_is_one_line(run: Muster) -> None:
    put_master_key("edited by hand")

    result = run("master-key", "status", code=1)
    assert "The master key in the secret muster/master-key cannot be read" in result.output
    assert "edited by hand" not in result.output
