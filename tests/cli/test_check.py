"""Test ``muster check``."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cli.check import open_scratch
from scim.service.maintenance.findings import FindingKind
from scim.service.model.maintenance_task import TaskKind, TaskState
from scim.store.maintenance.check.checker import TenantChecker
from scim.store.maintenance.tasks import DynamoDBTaskStore
from tests.cli.conftest import Muster
from tests.cli.stack import OUTPUTS
from tests.endpoint import Endpoint


@pytest.fixture(autouse=True)
def _scratch_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the directory of the user's files."""
    monkeypatch.setattr("cli.check.click.get_app_dir", lambda _: str(tmp_path / "muster"))


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    return Endpoint(run.deployment.build_administration().tenants.connect("acme").token)


@pytest.fixture
def ada(acme: Endpoint) -> dict[str, Any]:
    return acme.create(userName="ada@example.com", externalId="1", emails=[{"value": "ada@example.com"}])


def delete(table: Any, sort_key: str) -> None:
    table.delete_item(Key={"pk": "T#acme", "sk": sort_key})


def test_no_problems(run: Muster, ada: dict[str, Any]) -> None:
    output = run("check", "acme").output
    assert output.startswith("1 users checked, 0 problems left (")
    assert run.json_lines("check", "acme") == []


def test_problem_is_described(run: Muster, ada: dict[str, Any], table: Any) -> None:
    delete(table, "N#ada@example.com")
    lines = run("check", "acme", code=1).output.splitlines()
    assert lines[0] == "unique-key-missing: 1 found, 0 repaired"
    assert lines[2] == "  The repair (--repair) adds the key."
    assert lines[3] == f"    {ada['id']}  ada@example.com"
    assert lines[4].startswith("1 users checked, 1 problem left")


def test_repair(run: Muster, ada: dict[str, Any], acme: Endpoint, table: Any) -> None:
    delete(table, "N#ada@example.com")
    delete(table, f"I#externalId#1#{ada['id']}")
    assert "unique-key-missing: 1 found, 1 repaired" in run("check", "acme", "--repair").output
    assert run.json_lines("check", "acme") == []
    for query in ('userName eq "ada@example.com"', 'externalId eq "1"'):
        assert acme.request("GET", f"/Users?filter={query}").json()["totalResults"] == 1
    log = run("log", "acme").output
    assert "Repaired stored data: 1 index-entry-missing, 1 unique-key-missing." in log


def test_json(run: Muster, ada: dict[str, Any], table: Any) -> None:
    delete(table, f"U#{ada['id']}")
    documents = [json.loads(line) for line in run("check", "acme", "--json", code=1).stdout.splitlines()]
    assert [(document["kind"], document["subject"]) for document in documents] == [
        (FindingKind.USER_LOST, ada["id"]),
        (FindingKind.COUNTER_WRONG, f"K#{ada['id'][:2]}"),
    ]
    assert documents[0]["repair"] is None
    assert documents[0]["advice"]
    assert documents[1]["repair"] == "corrects the counter"


@pytest.mark.parametrize("name", ["doc", "created", "modified", "links"])
def test_malformed_user_does_not_end_the_check(
    run: Muster, acme: Endpoint, ada: dict[str, Any], table: Any, name: str
) -> None:
    acme.create()
    update = {"UpdateExpression": f"SET {name} = :value", "ExpressionAttributeValues": {":value": "{"}}
    table.update_item(Key={"pk": "T#acme", "sk": f"U#{ada['id']}"}, **update)
    output = run("check", "acme", code=1).output
    assert "user-unreadable: 1 found, 0 repaired" in output
    assert "2 users checked, 1 problem left" in output


@pytest.mark.parametrize(("command", "name"), [("export", "links"), ("users", "modified"), ("users", "doc")])
def test_other_commands_name_the_check(run: Muster, ada: dict[str, Any], table: Any, command: str, name: str) -> None:
    update: dict[str, Any] = {"UpdateExpression": "REMOVE modified"}
    if name != "modified":
        update = {"UpdateExpression": f"SET {name} = :value", "ExpressionAttributeValues": {":value": "{"}}
    table.update_item(Key={"pk": "T#acme", "sk": f"U#{ada['id']}"}, **update)
    error = run(command, "acme", code=1).stderr
    assert "is damaged and cannot be read. To find all damaged users: muster check" in error


def test_malformed_change_record_is_an_unknown_item(run: Muster, ada: dict[str, Any], table: Any) -> None:
    key = {"pk": "T#acme", "sk": f"C#{ada['id']}#0000000001"}
    update = {"UpdateExpression": "SET #at = :at", "ExpressionAttributeNames": {"#at": "at"}}
    table.update_item(Key=key, **update, ExpressionAttributeValues={":at": "yesterday"})
    lines = run("check", "acme", "--json", code=1).stdout.splitlines()
    kinds = {json.loads(line)["kind"] for line in lines}
    assert FindingKind.UNKNOWN_ITEM in kinds


def test_lost_user_is_deprovisioned_only_on_request(
    run: Muster, ada: dict[str, Any], acme: Endpoint, table: Any
) -> None:
    """The name of a lost user stays taken until the operator says that the user counts as deleted."""
    delete(table, f"U#{ada['id']}")
    assert "user-lost: 1 found, 0 repaired" in run("check", "acme", "--repair", code=1).output
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com"}
    assert acme.request("POST", "/Users", body).status == 409
    run("check", "acme", "--repair", "--deprovision-lost")
    assert run.json_lines("check", "acme") == []
    records = table.scan()["Items"]
    assert [item["operation"] for item in records if item["sk"].startswith("C#")] == ["create", "delete"]
    assert acme.request("POST", "/Users", body).status == 201


def test_record_of_a_deletion_can_expire_first(run: Muster, ada: dict[str, Any], acme: Endpoint, table: Any) -> None:
    """DynamoDB deletes expired records in no particular order. Then the user is not lost."""
    acme.request("DELETE", f"/Users/{ada['id']}")
    delete(table, f"C#{ada['id']}#0000000002")
    assert "user-lost: 1 found" in run("check", "acme", code=1).output
    record = table.get_item(Key={"pk": "T#acme", "sk": f"C#{ada['id']}#0000000001"})["Item"]
    table.put_item(Item=record | {"at": "2020-01-31T09:30:00.000Z", "ttl": 1_580_500_000})
    assert run.json_lines("check", "acme") == []


def test_deprovision_lost_needs_repair(run: Muster, acme: Endpoint) -> None:
    assert "needs --repair" in run("check", "acme", "--deprovision-lost", code=2).output


def test_unknown_tenant(run: Muster) -> None:
    run("check", "nobody", code=3)


def test_attribute_that_is_indexed_later(
    run: Muster, acme: Endpoint, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repair adds the entries of users who had the value before the attribute was indexed."""
    user = acme.create(title="Engineer")
    monkeypatch.setitem(OUTPUTS, "IndexedAttributes", "title")
    assert "index-entry-missing: 1 found, 1 repaired" in run("check", "acme", "--repair").output
    assert table.get_item(Key={"pk": "T#acme", "sk": f"I#title#engineer#{user['id']}"})["Item"]["id"] == user["id"]
    assert run.json_lines("check", "acme") == []


def test_attribute_that_is_no_longer_indexed(
    run: Muster, ada: dict[str, Any], table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unused entries are no damage. The repair deletes them."""
    monkeypatch.setitem(OUTPUTS, "IndexedAttributes", "externalId")
    assert "index-entry-unused: 1 found, 0 repaired" in run("check", "acme").output
    run("check", "acme", "--repair")
    assert run.json_lines("check", "acme") == []


def test_interrupted_check_continues(run: Muster, acme: Endpoint, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after the users: the next run reads no user again, and finds what the first would have found."""
    users = [acme.create() for _ in range(5)]
    delete(table, f"N#{users[0]['userName']}")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TenantChecker, "_check_lookup_items", interrupt)
        assert "To continue it, repeat the command." in run("check", "acme", code=1).output
    task = DynamoDBTaskStore(run.deployment.build_administration().table).get(TaskKind.CHECK, "acme")
    assert task
    assert task.state is TaskState.INTERRUPTED
    with monkeypatch.context() as patch:
        patch.setattr(TenantChecker, "_check_user", interrupt)
        output = run("check", "acme", code=1).output
    assert "unique-key-missing: 1 found" in output


@pytest.mark.parametrize(("options", "found"), [((), 0), (("--repair",), 1)])
def test_interrupted_check_forgets_no_problem(
    run: Muster,
    ada: dict[str, Any],
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    found: int,
) -> None:
    """The first run finds that a change record is missing. The next one counts it, or repairs it with ``--repair``."""
    delete(table, f"C#{ada['id']}#0000000001")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TenantChecker, "_check_lookup_items", interrupt)
        assert "change-record-missing: 1 found" in run("check", "acme", code=1).output
    output = run("check", "acme", *options, code=1 - found).output
    assert output.count("change-record-missing: 1 found, 1 repaired") == found
    assert output.count("Problems that were printed before the interruption, and are left: 1.") == 1 - found
    assert f"1 users checked, {'0 problems' if found else '1 problem'} left" in output


def test_repaired_deletion_follows_a_restore(
    run: Muster, ada: dict[str, Any], table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consumers have seen higher sequences than those in the restored table, but none after the restore."""
    delete(table, f"U#{ada['id']}")
    monkeypatch.setitem(OUTPUTS, "RestoredAt", "2000000000")
    run("check", "acme", "--repair", "--deprovision-lost")
    records = [item["sk"] for item in table.scan()["Items"] if item.get("operation") == "delete"]
    assert records == [f"C#{ada['id']}#2000000001"]
    assert run.json_lines("check", "acme") == []


def test_scratch_file_of_another_check_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "muster" / "check-acme.sqlite"
    with suppress(KeyboardInterrupt), open_scratch("acme", "first") as scratch:
        scratch.save(step="counters")
        raise KeyboardInterrupt
    assert path.stat().st_mode & 0o777 == 0o600
    with suppress(KeyboardInterrupt), open_scratch("acme", "first") as scratch:
        assert scratch.read_state("step") == "counters"
        raise KeyboardInterrupt
    with open_scratch("acme", "second") as scratch:
        assert scratch.read_state("step") == ""
    assert not path.exists()


def test_deployments_with_equal_tables_have_their_own_files(
    run: Muster, ada: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stacks, or two local runs, can have a table and a customer of the same name, and be checked at a time."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for url in ("https://one.example.com/scim/v2", "https://two.example.com/scim/v2"):
        with monkeypatch.context() as patch:
            patch.setitem(OUTPUTS, "ScimUrl", url)
            patch.setattr(TenantChecker, "_check_lookup_items", interrupt)
            run("check", "acme", code=1)
    assert len(list((tmp_path / "muster").glob("check-acme-*.sqlite"))) == 2
