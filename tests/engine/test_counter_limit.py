"""The limit of the counters on a real engine, which computes with their large numbers exactly."""

import os

import boto3

from scim.store import keys
from scim.store.query.counters import PACKED_COUNTER_LIMIT, compute_increment
from tests.endpoint import CORE, Endpoint


def test_full_counters_refuse_creates_and_allow_deletes(direct: Endpoint) -> None:
    tenant = direct.token.split("_")[1]
    user = direct.create()
    client = boto3.client("dynamodb")
    for shard in range(256):
        key = {"pk": {"S": keys.paging_partition(tenant)}, "sk": {"S": keys.counter_key(f"{shard:02x}")}}
        own = compute_increment(user["id"]) if user["id"].startswith(f"{shard:02x}") else 0
        counts = {"counts": {"N": str(PACKED_COUNTER_LIMIT + own)}, "active": {"N": "0"}}
        client.put_item(TableName=os.environ["TABLE_NAME"], Item={**key, **counts})

    refused = direct.request("POST", "/Users", {"schemas": [CORE], "userName": "ada"})

    assert refused.status == 403
    assert "about 12 million users" in refused.json()["detail"]
    assert direct.request("GET", f"/Users/{user['id']}").status == 200
    assert direct.request("DELETE", f"/Users/{user['id']}").status == 204
    assert direct.request("GET", "/Users?count=0").json()["totalResults"] == 256 * 7_000
    assert direct.request("GET", '/Users?filter=userName eq "ada"').json()["totalResults"] == 0
