"""The records of the audit log as items of the table."""

import json
from dataclasses import replace
from typing import Any

import pytest

from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.identity_provider import IdentityProvider
from scim.store import items, keys, log_codec
from tests.service.audit.test_explanations import FAILURE


def test_failure_of_version_0_1_is_read() -> None:
    """Failures are kept for 30 days, so those of the previous version must be readable."""
    content = {
        "status": 400,
        "scim_type": "invalidValue",
        "rule": "type",
        "detail": "active is a boolean. Send true or false.",
        "attribute": "active",
        "kind": "userName",
        "identifier": "ada",
        "sent": ["userName", "active"],
        "left_out": [],
        "refused": None,
        "provider": None,
        "request_id": "1",
    }
    item = log_codec.encode_failure(FAILURE)

    assert json.loads(item["failure"]["S"]) == content
    counts = {"first": {"S": FAILURE.at}, "last": {"S": FAILURE.at}, "count": {"N": "1"}}
    stored = {**item, **counts}
    assert log_codec.decode_failure(stored, None).failure == FAILURE
    chosen = log_codec.decode_failure(stored, IdentityProvider.PING).failure
    assert chosen == replace(FAILURE, provider=IdentityProvider.PING)


CHANGE = ChangeRecord(
    at="2026-01-31T09:30:00.000Z",
    operation=Operation.CREATE,
    attributes_changed=["userName", "active"],
    participation=Participation.JOINED,
    actor="scim",
    request_id="1",
    leniencies=[],
    resource_type="User",
    user_name="ada",
    external_id=None,
    active=True,
)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ([], None),
        (["active", "userName"], {"BOOL": True}),
        (["active"], {"L": [{"S": "active"}]}),
        (["active", "userName", "title"], {"L": [{"S": "active"}, {"S": "userName"}, {"S": "title"}]}),
    ],
    ids=["nothing", "what has changed", "less", "more"],
)
def test_sent_attributes_are_not_stored_twice(sent: list[str], stored: Any) -> None:
    key = keys.change_record_key("2819c223-7f76-453a-919d-413861904646", 1)
    change = replace(CHANGE, attributes_sent=sent)
    item = items.encode_change("T#acme", key, "b6b53183", None, change)
    assert item.get("sent") == stored
    assert sorted(log_codec.decode_change(item).change.attributes_sent) == sorted(sent)


def test_sent_attributes_of_version_0_2_are_read() -> None:
    """It stored all names, also if they were those of the changed attributes."""
    key = keys.change_record_key("2819c223-7f76-453a-919d-413861904646", 1)
    item = items.encode_change("T#acme", key, "b6b53183", None, CHANGE)
    names = {"L": [{"S": "userName"}, {"S": "active"}]}
    assert log_codec.decode_change({**item, "sent": names}).change.attributes_sent == ["userName", "active"]
