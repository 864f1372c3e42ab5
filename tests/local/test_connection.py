"""``connection.json`` and ``token`` have what a client needs, and only their owner can read them."""

import json
from pathlib import Path

import pytest

from local.connection import Connection
from local.errors import LocalRunError

CONNECTION = Connection("http://127.0.0.1:8080/scim/v2", "muster_acme_x_y", "acme")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connection.json"


def test_file_has_url_token_and_tenant(path: Path) -> None:
    CONNECTION.save(path)
    assert json.loads(path.read_text()) == {
        "scim_url": "http://127.0.0.1:8080/scim/v2",
        "token": "muster_acme_x_y",
        "tenant": "acme",
    }


def test_token_has_a_separate_file(path: Path) -> None:
    CONNECTION.save(path)
    assert path.with_name("token").read_text() == "muster_acme_x_y\n"
    assert path.with_name("token").stat().st_mode & 0o777 == 0o600


def test_file_becomes_private(path: Path) -> None:
    path.touch(0o644)
    CONNECTION.save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_saved_connection_is_loaded(path: Path) -> None:
    CONNECTION.save(path)
    assert Connection.load(path) == CONNECTION


def test_no_connection_before_first_run(path: Path) -> None:
    assert Connection.load(path) is None


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", '{"token": "x"}', '{"scim_url": 1, "token": 2, "extra": 3}', "\x00"]
)
def test_damaged_file_is_error_with_solution(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(
        LocalRunError, match=r"connection\.json is damaged; delete it, then the next start creates a new token"
    ):
        Connection.load(path)
