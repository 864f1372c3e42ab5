"""The check knows the keys of all partitions of a tenant."""

from scim.store.maintenance.check.known_keys import build_known_keys
from scim.store.maintenance.partitions import list_tenant_partitions


def test_all_partitions_have_known_keys() -> None:
    assert build_known_keys("acme").keys() == set(list_tenant_partitions("acme"))
