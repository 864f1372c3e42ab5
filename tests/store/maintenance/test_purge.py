"""Delete the items of a tenant in small steps."""

from scim.store import keys
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
