"""Test ``purge`` and ``certificates`` with a tenant whose every value contains a canary."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from handlers.links import LinksHandler
from local.services.messaging import Messaging
from scim.events import dead_letter, link_message
from scim.service.model.identifiers import hash_identifier
from scim.service.model.maintenance_task import TaskKind
from scim.service.references.link_task import LinkTask
from scim.settings import Settings
from scim.store.maintenance.purge import DynamoDBPurgeStore
from scim.wiring import runtime
from scim.wiring.events import build_link_processor_factory
from tests.cli import stack
from tests.cli.conftest import Muster
from tests.endpoint import CORE, ENTERPRISE, Endpoint, LambdaContext
from tests.events.history import build_stream_record
from tests.events.test_stream_record import IMAGE
from tests.handlers.conftest import Log

CANARY = "zaphod"
EMAIL = f"{CANARY}@example.com"
USER_ID = "2819c223-7f76-453a-919d-413861904646"

ReadItems = Callable[[], dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture
def run(run: Muster, bus: Messaging, monkeypatch: pytest.MonkeyPatch) -> Muster:
    """Run commands on a stack with queues and backups."""
    outputs = {
        f"{name}Url": bus.build_queue_url(name) for name in ("DeadLetterQueue", "LinksQueue", "LinksDeadLetterQueue")
    }
    for name, value in {**outputs, "ChangesFunctionName": "muster-ChangesFunction"}.items():
        monkeypatch.setitem(stack.OUTPUTS, name, value)
    monkeypatch.setitem(stack.FAKE_CLIENTS, "lambda", None)
    monkeypatch.setitem(stack.FAKE_CLIENTS, "dynamodbstreams", None)
    monkeypatch.setattr("cli.event_services._WAIT_TIME_S", 0)
    return run


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a command slept. It does not wait in this test."""
    pauses: list[float] = []
    monkeypatch.setattr(runtime, "sleep", pauses.append)
    return pauses


@pytest.fixture
def read_items(table: Any) -> ReadItems:
    """Return a function that reads all items of the table by key."""
    return lambda: {(item["pk"], item["sk"]): item for item in table.scan(ConsistentRead=True)["Items"]}


def fill_tenant(run: Muster, bus: Messaging, tenant: str, name: str) -> Endpoint:
    """Connect a tenant, and write each kind of item with a name in all its values."""
    first_token = run.json("connect", tenant, "--extension", "examples/extensions/employee.json")["token"]
    scim = Endpoint(first_token)
    email = f"{name}@example.com"
    for number in range(7):
        user = scim.create(
            userName=f"{number}{email}",
            externalId=f"{name}{number}",
            displayName=name,
            name={"givenName": name, "familyName": name},
            emails=[{"value": f"{number}{email}"}],
            **{ENTERPRISE: {"manager": {"value": f"boss{email}"}, "department": name}},
        )
    update_links(tenant, user["id"])
    scim.request("DELETE", f"/Users/{user['id']}")
    for query in ("sortBy=userName", f"filter=displayName%20co%20%22{name}%22&sortBy=displayName"):
        assert scim.request("GET", f"/Users?{query}&count=2", user_agent=name).status == 200
    assert scim.request("POST", "/Users", {"schemas": [CORE], "userName": email, "active": name}).status == 400
    assert scim.request("GET", "/Users", authorization=f"Bearer {first_token[:-1]}").status == 401
    token = run.json("rotate", tenant, "--grace", "0")["token"]
    run("invite", tenant)
    image = {**IMAGE, "pk": {"S": f"T#{tenant}"}, "userName": {"S": email}}
    record = dead_letter.build_record_dead_letter(build_stream_record(image, 1), "TypeError")
    bus.queues.send("DeadLetterQueue", json.dumps(record))
    task = LinkTask(tenant, USER_ID, 7, True, frozenset({hash_identifier(email)}), frozenset(), name)
    message = link_message.build_message(task).body
    bus.queues.send("LinksDeadLetterQueue", json.dumps(dead_letter.build_message_dead_letter(message, "KeyError")))
    return Endpoint(token)


def update_links(tenant: str, user_id: str) -> None:
    """Process a message of the links queue, as the function of the queue does."""
    task = LinkTask(tenant, user_id, 1, True, frozenset(), frozenset(), "r1")
    handler = LinksHandler(lambda: build_link_processor_factory(Settings.from_environment(os.environ)))
    context: Any = LambdaContext()
    message = {"messageId": "1", "body": link_message.build_message(task).body}
    assert handler({"Records": [message]}, context) == {"batchItemFailures": []}


def read_messages(bus: Messaging, queue: str) -> Iterator[str]:
    sqs = boto3.client("sqs", endpoint_url=bus.url)
    while messages := sqs.receive_message(QueueUrl=bus.build_queue_url(queue), MaxNumberOfMessages=10).get("Messages"):
        yield from (message["Body"] for message in messages)


class TestPurge:
    def test_nothing_is_left_of_the_tenant(self, run: Muster, bus: Messaging, read_items: ReadItems) -> None:
        """No other test uses the name of this tenant, so that its first write leases permits."""
        log = Log()
        with log.redirect():
            fill_tenant(run, bus, "globex", "trillian")
            before = read_items()
            fill_tenant(run, bus, "milliways", CANARY)
            kinds = {(key[0][:2], key[1][:2]) for key, item in read_items().items() if "milliways" in str(item)}
            run("disconnect", "milliways", "--yes")

            certificate = run.json("purge", "milliways", "--yes")

            items = read_items()
            other = {key: item for key, item in items.items() if key[0] not in ("TASKS", "CERTIFICATES")}
            text = str(items)
            hashes = [hash_identifier(f"{prefix}{EMAIL}") for prefix in ("", "boss", *map(str, range(7)))]
            secrets = boto3.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
            messages = [*read_messages(bus, "DeadLetterQueue"), *read_messages(bus, "LinksDeadLetterQueue")]
            assert {"T#", "L#", "F#", "W#", "A#", "R#", "S#", "Q#", "TE"} <= {partition for partition, _ in kinds}
            assert other == before
            assert [value for value in (CANARY, *hashes) if value in text] == []
            assert [secret["Name"] for secret in secrets if "milliways" in secret["Name"]] == []
            assert [message for message in messages if CANARY in message or "milliways" in message] == []
            assert len(messages) == 2
        assert len(log.lines) > 20
        assert CANARY not in log.text
        counts = {"users": 6, "unique_keys": 6, "dead_letters": 2, "invitations": 1}
        assert certificate["deleted"].items() >= counts.items()
        assert "other_items" not in certificate["deleted"]
        assert CANARY not in json.dumps(certificate)

    def test_requests_in_the_cache_time_leave_nothing(
        self, run: Muster, bus: Messaging, read_items: ReadItems, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An execution environment may accept the token for a minute after the disconnection."""
        scim = fill_tenant(run, bus, "acme", CANARY)
        scim.create()
        late_statuses = []

        def sleep(seconds: float) -> None:
            if seconds > 60:
                late_statuses.append(scim.request("POST", "/Users", {"schemas": [CORE], "userName": CANARY}).status)

        monkeypatch.setattr(runtime, "sleep", sleep)
        run("disconnect", "acme", "--yes")

        run("purge", "acme", "--yes")

        assert late_statuses == [201]
        assert CANARY not in str(read_items())

    def test_late_link_task_writes_nothing(self, run: Muster, bus: Messaging, read_items: ReadItems) -> None:
        """The links queue can deliver a message of the tenant for 14 days."""
        fill_tenant(run, bus, "acme", CANARY)
        user_id = next(key[1] for key in read_items() if key[1].startswith("U#")).removeprefix("U#")
        run("disconnect", "acme", "--yes")
        run("purge", "acme", "--yes")
        before = read_items()

        update_links("acme", user_id)

        assert read_items() == before

    def test_connected_tenant_is_a_conflict(self, run: Muster, read_items: ReadItems) -> None:
        run("connect", "acme")
        before = read_items()
        assert "First run: muster disconnect acme" in run("purge", "acme", "--yes", code=4).stderr
        assert read_items() == before

    def test_tenant_of_deployment_tests_is_a_conflict(self, run: Muster, read_items: ReadItems) -> None:
        """A purge that has begun would let the test of the next deployment fail."""
        run.deployment.build_administration().tenants.connect_deployment_test()
        run("disconnect", "deployment-test", "--yes")
        before = read_items()
        assert "needs no purge" in run("purge", "deployment-test", "--yes", code=4).stderr
        assert read_items() == before

    def test_unknown_tenant_is_an_error(self, run: Muster) -> None:
        run("purge", "acme", "--yes", code=3)

    def test_confirmation_is_the_id(self, run: Muster) -> None:
        run("connect", "acme")
        run("disconnect", "acme", "--yes")
        assert "Nothing was deleted." in run("purge", "acme", answer="yes\n", code=1).stderr
        assert "Certificate" in run("purge", "acme", answer="acme\n").stdout

    def test_interrupted_purge_can_only_be_finished(self, run: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> None:
            raise ValueError("interrupted")

        run("connect", "acme")
        run("disconnect", "acme", "--yes")
        with monkeypatch.context() as patched:
            patched.setattr(DynamoDBPurgeStore, "delete_tenant", fail)
            run("purge", "acme", "--yes", code=2)

        for command in (
            ["connect", "acme"],
            ["strict", "acme", "on"],
            ["brake", "acme", "on"],
            ["release", "acme"],
            ["revoke-invitations", "acme"],
            ["check", "acme", "--repair"],
            ["export", "acme"],
            ["resync", "acme"],
            ["erase", "acme", "ada@example.com", "--yes"],
        ):
            assert "muster purge acme" in run(*command, code=4).stderr
        status = run.json("status", "acme")
        assert (status["state"], status["warning"]) == ("purging", "A purge has begun. To finish it: muster purge acme")
        assert run.json("purge", "acme", "--yes")["tenant_id"] == "acme"
        assert run.json("connect", "acme")["token"]

    @pytest.mark.parametrize("kind", [TaskKind.CHECK, TaskKind.RESYNC])
    def test_purge_waits_for_the_end_of_other_commands(self, run: Muster, kind: TaskKind) -> None:
        """A check that repairs would write records that the purge does not find any more."""
        run("connect", "acme")
        run("disconnect", "acme", "--yes")
        with run.deployment.build_maintenance(1_000).tasks.run(kind, "acme"):
            assert f"{kind} of acme" in run("purge", "acme", "--yes", code=4).stderr
        assert run.json("purge", "acme", "--yes")["tenant_id"] == "acme"

    def test_purged_tenant_can_be_connected_and_purged_again(self, run: Muster) -> None:
        ids = set()
        for _ in range(2):
            run("connect", "acme")
            run("disconnect", "acme", "--yes")
            ids.add(run.json("purge", "acme", "--yes")["id"])
        assert ids == {certificate["id"] for certificate in run.json_lines("certificates", "acme")}
        assert len(ids) == 2


class TestCertificates:
    def test_certificate_says_when_copies_expire(self, run: Muster) -> None:
        run("connect", "acme")
        run("disconnect", "acme", "--yes")
        boto3.client("dynamodb").update_continuous_backups(
            TableName="muster", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        boto3.client("dynamodb").create_backup(TableName="muster", BackupName="before-upgrade")

        certificate = run.json("purge", "acme", "--yes")

        copies = {copy["location"]: copy["until"] for copy in certificate["remaining_copies"]}
        assert run.json_lines("certificates", "acme") == [certificate]
        assert set(copies) == {
            "point-in-time recovery of the table",
            "backup before-upgrade of the table",
            "stream of the table",
            "LinksQueue",
            "DeadLetterQueue",
            "LinksDeadLetterQueue",
            "logs in CloudWatch",
        }
        assert copies["backup before-upgrade of the table"] == ""
        assert copies["point-in-time recovery of the table"] > copies["LinksQueue"] > copies["stream of the table"]
        assert "until you delete it: all data" in run("certificates", "acme").stdout
        assert [line[0] for line in run.lines("certificates")] == ["TENANT", "acme"]

    def test_purged_tenant_leads_to_its_certificate(self, run: Muster) -> None:
        run("connect", "acme")
        run("disconnect", "acme", "--yes")
        run("purge", "acme", "--yes")
        assert "muster certificates acme" in run("purge", "acme", "--yes", code=3).stderr
