"""Delete the items of a tenant in small steps."""

from scim.store import keys
from scim.store.console.keys import CONSOLE_PARTITION, link_request_key
from scim.store.keys import primary_key
from scim.store.maintenance.purge import DynamoDBPurgeStore
from scim.store.table import Table
from scim.wiring.runtime import new_id


def test_steps_are_small(request_table: Table) -> None:
    """After each step, a run can save its state, so that no other run takes it for a dead one."""
    partition_key = keys.resource_partition("acme")
    request_table.write_all(put=[keys.primary_key(partition_key, f"N#{number:03}") for number in range(250)])
    store = DynamoDBPurgeStore(request_table, new_id)

    steps = list(store.delete_data("acme"))

    assert [step["unique_keys"] for step in steps] == [100, 100, 50]
    assert store.count_items("acme") == 0


def test_request_for_a_link_is_deleted(request_table: Table) -> None:
    requests = [primary_key(CONSOLE_PARTITION, link_request_key(tenant)) for tenant in ("acme", "acme-2")]
    request_table.write_all(put=requests)

    steps = list(DynamoDBPurgeStore(request_table, new_id).delete_data("acme"))

    assert [sum(step.values()) for step in steps] == [1]
    assert request_table.get(CONSOLE_PARTITION, link_request_key("acme")) is None
    assert request_table.get(CONSOLE_PARTITION, link_request_key("acme-2")) is not None
