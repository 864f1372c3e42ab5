"""Check that changes become events, and that references are linked."""

import json
from typing import Any

from deployment.smoke.check import CheckFailed
from deployment.smoke.checks.requests import ENTERPRISE, create_user
from deployment.smoke.run import SmokeRun

_RECEIVE_WAIT_S = 5
_SOURCE = "muster"
_PROBE_SOURCE = "muster.smoke-test"
"""The source of the events that show that the rule is active. No rule of the product matches it."""


def create_temporary_rule(run: SmokeRun) -> str:
    """Create a queue, and a rule that sends the events of the customer to it. Wait until the rule is active.

    A new rule does not match events immediately (Amazon EventBridge API reference, "PutRule").
    """
    events, queues = run.stack.create_client("events"), run.stack.create_client("sqs")
    run.queue_url = queues.create_queue(QueueName=run.run_id, Attributes={"MessageRetentionPeriod": "3600"})["QueueUrl"]
    queue_arn = run.stack.build_arn("sqs", run.run_id)
    bus = run.stack.outputs["EventBusName"]
    pattern = {"source": [_SOURCE, _PROBE_SOURCE], "detail": {"tenant": [run.run_id]}}
    description = "Temporary rule of Muster's smoke test"
    rule = events.put_rule(
        Name=run.run_id, EventBusName=bus, EventPattern=json.dumps(pattern), Description=description
    )["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    queues.set_queue_attributes(QueueUrl=run.queue_url, Attributes={"Policy": json.dumps(policy)})
    response = events.put_targets(Rule=run.run_id, EventBusName=bus, Targets=[{"Id": "queue", "Arn": queue_arn}])
    if response["FailedEntryCount"]:
        raise CheckFailed(f"The rule has no target: {response['FailedEntries']}.")
    probe = {
        "Source": _PROBE_SOURCE,
        "DetailType": "Probe",
        "Detail": json.dumps({"tenant": run.run_id}),
        "EventBusName": bus,
    }

    def find_probe() -> bool | None:
        events.put_events(Entries=[probe])
        return True if _PROBE_SOURCE in [event["source"] for event in _receive_events(run)] else None

    run.wait_for("An event through the new rule", find_probe)
    return f"{run.run_id} on {bus}"


def check_events(run: SmokeRun) -> str:
    """Check that the events of a user arrive in the queue: created, deactivated, changed and deleted."""
    expected = {"UserProvisioned", "UserDeactivated", "UserUpdated", "UserDeprovisioned"}
    ada = run.users["ada"]

    def find_events() -> bool | None:
        _receive_events(run)
        return True if expected <= {event["detail-type"] for event in _select_events(run, ada)} else None

    try:
        run.wait_for("An event", find_events)
    except CheckFailed:
        missing = expected - {event["detail-type"] for event in _select_events(run, ada)}
        raise CheckFailed(f"No event {', '.join(sorted(missing))} arrived within {run.wait_s:.0f} s.") from None
    sequences = sorted({int(event["detail"]["sequence"]) for event in _select_events(run, ada)})
    if sequences != list(range(1, len(expected) + 1)):
        raise CheckFailed(f"The events of one user have the sequences {sequences}.")
    return f"{len(run.events)} events"


def check_links(run: SmokeRun) -> str:
    """Check that a reference to a manager who is created later is linked, and that the link becomes an event."""
    manager = {"value": run.build_user_name("kim")}
    employee = create_user(run, "barbara", **{ENTERPRISE: {"manager": manager}}).json()
    kim = create_user(run, "kim").json()

    def find_link() -> bool | None:
        user = run.client.send("GET", f"/Users/{employee['id']}").require_status(200).json()
        reference = str(user.get(ENTERPRISE, {}).get("manager", {}).get("$ref", ""))
        return True if reference.endswith(kim["id"]) else None

    run.wait_for("The link to the manager", find_link)

    def find_event() -> bool | None:
        _receive_events(run)
        return True if any(_is_link(event, kim["id"]) for event in _select_events(run, employee["id"])) else None

    run.wait_for("The event UserLinked", find_event)
    return "linked to a manager who was created later"


def _receive_events(run: SmokeRun) -> list[dict[str, Any]]:
    """Move all events from the temporary queue to the run, and return them together with the probes."""
    client = run.stack.create_client("sqs")
    received: list[dict[str, Any]] = []
    while messages := client.receive_message(
        QueueUrl=run.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=_RECEIVE_WAIT_S
    ).get("Messages"):
        for message in messages:
            received.append(json.loads(message["Body"]))
            client.delete_message(QueueUrl=run.queue_url, ReceiptHandle=message["ReceiptHandle"])
    run.events += [event for event in received if event["source"] == _SOURCE]
    return received


def _select_events(run: SmokeRun, user_id: str) -> list[dict[str, Any]]:
    return [event for event in run.events if event["detail"]["id"] == user_id]


def _is_link(event: dict[str, Any], target: str) -> bool:
    return event["detail-type"] == "UserLinked" and target in [link["id"] for link in event["detail"]["links"]]
