"""The forms of all sort keys of a tenant's partitions. An item with another key is unknown."""

from __future__ import annotations

import re

from scim.store import keys
from scim.store.rate_limit.keys import bucket_partition
from scim.store.requests.keys import request_partition

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RECORD = rf"C#{_ID}#[0-9]{{10}}(?:#[0-9]{{10}})?"


def build_known_keys(tenant_id: str) -> dict[str, re.Pattern[str]]:
    """Return a pattern for the sort keys of each partition of a tenant."""
    patterns = {
        keys.resource_partition(tenant_id): rf"U#{_ID}|N#.+|I#[^#]+#[^#]*#{_ID}|{_RECORD}",
        keys.paging_partition(tenant_id): r"K#[0-9a-f]{2}|B#.+|L#(?:snapshots|alert)|M#.+",
        keys.reference_index_partition(tenant_id): rf"W#[0-9a-f]{{24}}#{_ID}",
        keys.failure_partition(tenant_id): r"F#.*#.+|[XYD]#[0-9T:-]+|R#.+",
        request_partition(tenant_id): rf"R#.*#{_ID}",
        keys.token_usage_partition(tenant_id): r"R#.+",
        bucket_partition(tenant_id): r"Q#bucket",
        keys.settings_partition(tenant_id): r"A#settings|A#act#.+",
    }
    return {partition_key: re.compile(pattern, re.DOTALL) for partition_key, pattern in patterns.items()}
