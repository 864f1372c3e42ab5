"""Health records of another release, whose members differ."""

import json

from scim.service.monitoring.health_record import Episode, HealthAlert, HealthRecord
from scim.service.tenants.health import HealthState
from scim.store import keys
from scim.store.monitoring.health_store import DynamoDBHealthStore, decode, encode
from scim.store.table import Table

ALERT = HealthAlert("2026-01-31T09:30:00.000Z", HealthState.FAILING, "cause", ["topic"], 1.0)
RECORD = HealthRecord(Episode(is_open=True, since="2026-01-31T09:30:00.000Z"), problem_count=2, alert=ALERT)


def build_newer_text() -> str:
    """Return a record with members and a state that only a newer release knows."""
    members = json.loads(encode(RECORD))
    members["severity"] = members["bad"]["severity"] = members["alert"]["severity"] = 1
    members["alert"]["state"] = "on fire"
    return json.dumps(members)


def test_record_is_read_as_it_was_written() -> None:
    assert decode(encode(RECORD)) == RECORD
    assert decode(encode(HealthRecord())) == HealthRecord()


def test_record_of_a_newer_release_is_read() -> None:
    record = decode(build_newer_text())
    assert (record.is_bad, record.problem_count) == (True, 2)
    assert record.alert is not None
    assert record.alert.state is HealthState.UNKNOWN
    assert decode("{}") == HealthRecord()


def test_record_of_a_newer_release_is_replaced(request_table: Table) -> None:
    """A write compares the stored text, also if this release would write it differently."""
    item = {**keys.primary_key(keys.TENANT_LIST_PARTITION, "acme"), "health": {"S": build_newer_text()}}
    request_table.write_all(put=[item])
    store, other = DynamoDBHealthStore(request_table), DynamoDBHealthStore(request_table)
    ((_, before),) = store.list_records()
    ((_, same),) = other.list_records()
    assert store.write("acme", before, HealthRecord())
    assert not other.write("acme", same, RECORD)
    assert store.read("acme") == HealthRecord()
