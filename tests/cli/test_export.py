"""Export all users as JSON lines, continue an interrupted export, and load an export into another tenant."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.export import ExportPosition, find_position
from scim.service.model.stored_resource import StoredResource
from scim.store.tenants import DynamoDBTenantStore
from tests.cli.conftest import Muster
from tests.endpoint import CORE, ENTERPRISE, Endpoint

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    return Endpoint(run.json("connect", "acme")["token"])


@pytest.fixture
def users(acme: Endpoint) -> list[dict[str, Any]]:
    """Return five users as GET returns them, in the order of their ids."""
    boss = acme.create(userName="boss", name={"familyName": "Müller"}, active=False)
    manager = {ENTERPRISE: {"manager": {"value": "boss"}}, "schemas": [CORE, ENTERPRISE]}
    created = [boss, *(acme.create(userName=f"user {number}", **manager) for number in range(4))]
    return sorted((acme.request("GET", f"/Users/{user['id']}").json() for user in created), key=lambda user: user["id"])


def read_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_lines_are_users_as_get_returns_them(run: Muster, users: list[Any], tmp_path: Path) -> None:
    result = run("export", "acme", "--output", str(tmp_path / "acme.jsonl"))
    assert read_lines(tmp_path / "acme.jsonl") == users
    assert "Exported 5 users of acme" in result.stderr
    assert stat.S_IMODE((tmp_path / "acme.jsonl").stat().st_mode) == 0o600
    assert [json.loads(line) for line in run("export", "acme").stdout.splitlines()] == users


class Interrupted(Exception):
    """The command is interrupted."""


@pytest.mark.parametrize("count", range(5))
@pytest.mark.parametrize("cut", [0, 1, 40])
def test_interrupted_export_is_continued(
    run: Muster, users: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, cut: int
) -> None:
    """The process ends after some users, and the last write may be incomplete."""
    path, part = tmp_path / "acme.jsonl", tmp_path / "acme.jsonl.part"
    list_users = DynamoDBTenantStore.list_users

    def interrupt(self: DynamoDBTenantStore, tenant_id: str, after: str = "") -> Iterator[StoredResource]:
        for number, user in enumerate(list_users(self, tenant_id, after)):
            if number == count:
                raise Interrupted
            yield user

    with monkeypatch.context() as patch:
        patch.setattr(DynamoDBTenantStore, "list_users", interrupt)
        run("export", "acme", "--output", str(path), code=1)
    assert not path.exists()
    content = part.read_bytes()
    part.write_bytes(content[: max(len(content) - cut, 0)])
    run("export", "acme", "--output", str(path), code=4)

    result = run("export", "acme", "--output", str(path), "--resume")

    assert read_lines(path) == users
    assert "Exported 5 users" in result.stderr
    assert not part.exists()


def test_existing_file_is_not_overwritten(run: Muster, users: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "acme.jsonl"
    path.write_text("mine")
    assert "already exists" in run("export", "acme", "--output", str(path), code=4).stderr
    assert path.read_text() == "mine"


def test_resume_needs_an_interrupted_export(run: Muster, users: list[Any], tmp_path: Path) -> None:
    run("export", "acme", "--output", str(tmp_path / "acme.jsonl"), "--resume", code=3)
    run("export", "acme", "--resume", code=2)


def test_position_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "part"
    for content, position, rest in [
        (b"", ExportPosition(), b""),
        (b'{"id":', ExportPosition(), b""),
        (b'{"id":"1"}\n', ExportPosition("1", 1), b'{"id":"1"}\n'),
        (b'{"id":"1"}\n{"id":"2"}\n{"i', ExportPosition("2", 2), b'{"id":"1"}\n{"id":"2"}\n'),
    ]:
        path.write_bytes(content)
        with path.open("r+b") as file:
            assert find_position(file) == position
        assert path.read_bytes() == rest


def test_export_can_be_loaded_into_another_tenant(run: Muster, users: list[Any], tmp_path: Path) -> None:
    """Ids, ``meta`` and links are new. All other attributes are equal."""
    run("export", "acme", "--output", str(tmp_path / "acme.jsonl"))
    copy = Endpoint(run.json("connect", "copy")["token"])
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(number), "data": user}
        for number, user in enumerate(read_lines(tmp_path / "acme.jsonl"))
    ]
    response = copy.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [operation["status"] for operation in response.json()["Operations"]] == ["201"] * 5

    run("export", "copy", "--output", str(tmp_path / "copy.jsonl"))

    assert _list_values(read_lines(tmp_path / "copy.jsonl")) == _list_values(users)


def _list_values(users: list[Any]) -> list[dict[str, Any]]:
    values = [{name: value for name, value in user.items() if name not in ("id", "meta")} for user in users]
    return sorted(values, key=lambda user: str(user["userName"]))


def test_summary_as_json(run: Muster, users: list[Any], tmp_path: Path) -> None:
    path = str(tmp_path / "acme.jsonl")
    assert run.json("export", "acme", "--output", path) == {"tenant": "acme", "users": len(users), "output": path}
    assert "--json requires --output" in run("export", "acme", "--json", code=2).stderr
