"""``connection.json``: what a client needs, for its owner alone, and kept while it is good."""

import json
from pathlib import Path

import pytest

from local.connection import Connection
from local.errors import LocalRunError

CONNECTION = Connection("http://127.0.0.1:8080/scim/v2", "muster_acme_x_y", "acme")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connection.json"


def test_it_holds_url_token_and_tenant(path: Path) -> None:
    CONNECTION.save(path)
    assert json.loads(path.read_text()) == {
        "scim_url": "http://127.0.0.1:8080/scim/v2",
        "token": "muster_acme_x_y",
        "tenant": "acme",
    }


def test_only_its_owner_can_read_it_even_if_everybody_could_before(path: Path) -> None:
    path.touch(0o644)
    CONNECTION.save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_saved_is_loaded(path: Path) -> None:
    CONNECTION.save(path)
    assert Connection.load(path) == CONNECTION


def test_there_is_none_before_the_first_run(path: Path) -> None:
    assert Connection.load(path) is None


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", '{"token": "x"}', '{"scim_url": 1, "token": 2, "extra": 3}', "\x00"]
)
def test_a_damaged_file_is_a_problem_that_says_what_to_do(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(
        LocalRunError, match=r"connection\.json is damaged; delete it, and the next start makes a new token"
    ):
        Connection.load(path)
