"""Read whole partitions of one tenant, page by page, from any position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim.store import keys
from scim.store.keys import KeyRange
from scim.store.rate_limit.keys import bucket_partition
from scim.store.requests.keys import request_partition
from scim.store.table import Item, Table

WHOLE_PARTITION = KeyRange(" ", "\U0010ffff")
"""The range of all sort keys of this service: they begin with a letter or a digit."""


def list_tenant_partitions(tenant_id: str) -> list[str]:
    """Return the partition keys of all items that belong to a tenant.

    Its entry in the list of tenants, its task records, and the invitations of its IT admins are in other partitions.
    """
    return [
        keys.resource_partition(tenant_id),
        keys.paging_partition(tenant_id),
        keys.reference_index_partition(tenant_id),
        keys.failure_partition(tenant_id),
        request_partition(tenant_id),
        keys.token_usage_partition(tenant_id),
        bucket_partition(tenant_id),
        keys.settings_partition(tenant_id),
    ]


def read_pages(
    table: Table,
    partition_key: str,
    key_range: KeyRange = WHOLE_PARTITION,
    attributes: Sequence[str] = (),
    *,
    after: str = "",
) -> Iterator[Sequence[Item]]:
    """Yield the items of a partition in the order of their sort keys, one page of up to 1 MB for each call.

    ``after`` is the sort key to start after; empty for the beginning. ``attributes`` are the attributes to return;
    empty means all. Empty pages are left out. The reads are strongly consistent.
    """
    start = keys.primary_key(partition_key, after) if after else None
    for page, _ in table.query_pages(partition_key, key_range, attributes, after=start):
        if page:
            yield page
