"""Test ``erase``."""

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from handlers.changes import ChangesHandler
from local.services.messaging import Messaging
from scim.events import dead_letter
from scim.service.model.identifiers import hash_identifier
from scim.settings import Settings
from scim.wiring.events import build_stream_processor_factory
from tests.cli import stack
from tests.cli.conftest import Muster
from tests.cli.test_purge import ReadItems, read_items, read_messages
from tests.cli.test_purge import run as run  # a fixture
from tests.endpoint import CORE, ENTERPRISE, Endpoint, LambdaContext
from tests.events.history import build_stream_record
from tests.events.schemas import validate

__all__ = ["read_items", "run"]

ADA = "ada@example.com"


@pytest.fixture
def scim(run: Muster) -> Endpoint:
    return Endpoint(run.json("connect", "acme")["token"])


def create_ada(scim: Endpoint) -> str:
    user_id: str = scim.create(userName=ADA, externalId="ada-1", emails=[{"value": "ada@mail.example"}])["id"]
    return user_id


def delete_ada(scim: Endpoint) -> str:
    """Create a user with a failure and a rename, page next to it, and delete it. Return the id."""
    user_id = create_ada(scim)
    scim.create(userName="bob", **{ENTERPRISE: {"manager": {"value": ADA}}})
    scim.create(userName="carl")
    scim.request("POST", "/Users", {"schemas": [CORE], "userName": ADA, "active": "perhaps"})
    scim.patch(user_id, {"op": "replace", "path": "active", "value": "perhaps"})
    scim.patch(user_id, {"op": "replace", "path": "userName", "value": "lovelace@example.com"})
    assert scim.request("GET", "/Users?sortBy=userName&count=2").json()["itemsPerPage"] == 2
    assert scim.request("DELETE", f"/Users/{user_id}").status == 204
    return user_id


def find_traces(read_items: ReadItems, user_id: str) -> list[str]:
    """Return the sort keys of the items that name the person, also by hash, or have the id."""
    names = (ADA, "ada-1", "ada@mail.example", "lovelace@example.com")
    values = [*names, *map(hash_identifier, (*names, user_id)), user_id]
    return sorted(key[1] for key, item in read_items().items() if any(value in str(item) for value in values))


@pytest.mark.parametrize("person", [ADA, "lovelace@example.com", "ada-1", "ADA@mail.example", "id"])
def test_traces_are_erased_by_any_identifier(
    run: Muster, scim: Endpoint, read_items: ReadItems, bus: Messaging, person: str
) -> None:
    user_id = delete_ada(scim)
    record = build_stream_record({"pk": {"S": "T#acme"}, "sk": {"S": f"C#{user_id}#0000000001"}}, 1)
    bus.queues.send("DeadLetterQueue", json.dumps(dead_letter.build_record_dead_letter(record, "TypeError")))
    assert len(find_traces(read_items, user_id)) > 5

    erased = run.json("erase", "acme", user_id if person == "id" else person, "--yes")

    bob = next(key[1] for key, item in read_items().items() if key[1].startswith("U#") and "bob" in str(item))
    remaining = [key for key in find_traces(read_items, user_id) if key != bob]
    assert erased["user_ids"] == [user_id]
    assert erased["deleted"] == {
        "failure_records": 2,
        "bookmarks": 1,
        "reference_index_entries": 0,
        "change_records": 3,
        "dead_letters": 1,
    }
    assert [key.partition("#")[0] for key in remaining] == ["A", "C"]
    assert remaining[1] == f"C#{user_id}#0000000004"
    assert list(read_messages(bus, "DeadLetterQueue")) == []


def test_provisioned_person_is_a_conflict(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    user_id = create_ada(scim)
    scim.patch(user_id, {"op": "replace", "path": "userName", "value": "lovelace@example.com"})
    before = read_items()
    for person in (user_id, ADA, "lovelace@example.com", "ada@mail.example", "ada-1"):
        assert "still provisioned" in run("erase", "acme", person, "--yes", code=4).stderr
    assert read_items() == before


def test_name_that_another_user_has_now_needs_the_id(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    former_id = create_ada(scim)
    scim.request("DELETE", f"/Users/{former_id}")
    new_id = create_ada(scim)
    scim.request("POST", "/Users", {"schemas": [CORE], "userName": ADA})  # a failure of the present user

    run("erase", "acme", ADA, "--yes", code=4)
    assert run.json("erase", "acme", former_id, "--yes")["deleted"]["failure_records"] == 0

    assert scim.request("GET", f"/Users/{new_id}").status == 200
    assert [key for _, key in read_items() if key.startswith(f"C#{former_id}")] == [f"C#{former_id}#0000000003"]


def test_failures_of_a_user_with_the_same_email_stay(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    shared = [{"value": "family@mail.example"}]
    user_id = scim.create(userName=ADA, emails=shared)["id"]
    other_id = scim.create(userName="bob", emails=shared)["id"]
    for body in ({"userName": ADA}, {"userName": "bob"}, {}):  # the last one is stored under the email address
        scim.request("POST", "/Users", {"schemas": [CORE], "emails": shared, "active": "perhaps", **body})
    scim.request("PUT", f"/Users/{other_id}", {"schemas": [CORE], "emails": shared, "active": "perhaps"})
    before = sorted(key for _, key in read_items() if key.startswith("F#"))
    assert len(before) == 4
    scim.request("DELETE", f"/Users/{user_id}")

    assert run.json("erase", "acme", user_id, "--yes")["deleted"]["failure_records"] == 1

    remaining = sorted(key for _, key in read_items() if key.startswith("F#"))
    assert [key for key in before if key not in remaining] == [key for key in before if ADA in key]


def test_lost_user_must_be_deprovisioned_first(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    """Its unique key and its index entries would still name the person."""
    user_id = create_ada(scim)
    boto3.client("dynamodb").delete_item(TableName="muster", Key={"pk": {"S": "T#acme"}, "sk": {"S": f"U#{user_id}"}})
    for person in (user_id, ADA):
        error = run("erase", "acme", person, "--yes", code=4).stderr
        assert "muster check acme --repair --deprovision-lost" in error
    run("check", "acme", "--repair", "--deprovision-lost")
    run("erase", "acme", ADA, "--yes")
    assert [key.partition("#")[0] for key in find_traces(read_items, user_id)] == ["A", "C"]


def test_record_of_the_deletion_can_expire_first(run: Muster, scim: Endpoint, table: Any) -> None:
    user_id = create_ada(scim)
    scim.request("DELETE", f"/Users/{user_id}")
    table.delete_item(Key={"pk": "T#acme", "sk": f"C#{user_id}#0000000002"})
    run("erase", "acme", user_id, "--yes", code=4)
    created = table.get_item(Key={"pk": "T#acme", "sk": f"C#{user_id}#0000000001"})["Item"]
    table.put_item(Item=created | {"ttl": 1_580_500_000})
    assert run.json("erase", "acme", user_id, "--yes")["deleted"]["change_records"] == 1


def test_repeated_erasure_changes_nothing(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    user_id = delete_ada(scim)
    run("erase", "acme", user_id, "--yes")
    before = read_items()

    assert set(run.json("erase", "acme", user_id, "--yes")["deleted"].values()) == {0}
    assert "no traces" in run("erase", "acme", ADA, "--yes", code=3).stderr
    assert read_items() == before


def test_event_follows_a_restore(
    run: Muster, scim: Endpoint, read_items: ReadItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sequence is higher than all that consumers have seen before the restore."""
    user_id = delete_ada(scim)
    monkeypatch.setitem(stack.OUTPUTS, "RestoredAt", "2000000000")
    run("erase", "acme", user_id, "--yes")
    assert [key for _, key in read_items() if key.startswith(f"C#{user_id}")] == [f"C#{user_id}#2000000001"]


def test_erasure_needs_confirmation(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    user_id = delete_ada(scim)
    before = read_items()
    assert "(1 deleted user)" in run("erase", "acme", user_id, answer="n\n", code=1).stderr
    assert read_items() == before


def test_person_without_a_user_is_erased(run: Muster, scim: Endpoint, read_items: ReadItems) -> None:
    scim.request("POST", "/Users", {"schemas": [CORE], "userName": ADA, "active": "perhaps"})
    assert run.json("erase", "acme", ADA, "--yes")["deleted"]["failure_records"] == 1
    assert ADA not in str(read_items())


def test_audit_log_shows_the_erasure(run: Muster, scim: Endpoint) -> None:
    user_id = delete_ada(scim)
    run("erase", "acme", ADA, "--yes")
    newest = run.json_lines("log", "acme")[0]
    assert newest["summary"] == f"Erased the traces of a deleted person: the user had the id {user_id}."
    assert "were erased at" in run("why", "acme", user_id).stdout
    assert ADA not in run("log", "acme").stdout


def test_product_gets_an_event(
    run: Muster,
    scim: Endpoint,
    bus: Messaging,
    events: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user_id = delete_ada(scim)
    run("erase", "acme", ADA, "--yes")
    key = {"pk": {"S": "T#acme"}, "sk": {"S": f"C#{user_id}#0000000004"}}
    image = boto3.client("dynamodb").get_item(TableName="muster", Key=key)["Item"]
    handler = ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
    context: Any = LambdaContext()
    assert handler({"Records": [build_stream_record(image, 1)]}, context) == {"batchItemFailures": []}

    (event,) = events()
    validate(
        {
            "source": "muster",
            "time": "2026-01-31T09:30:00Z",
            **{name: event[name] for name in ("detail-type", "detail")},
        }
    )
    assert (event["detail-type"], event["detail"]["id"], event["detail"]["sequence"]) == ("UserErased", user_id, 4)
    assert "ada@" not in json.dumps(event["detail"])
