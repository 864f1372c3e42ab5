"""The limit of the counters. A real engine calculates with numbers of 38 digits exactly, as DynamoDB does."""

import os

import boto3

from scim.service.maintenance.findings import FindingKind
from scim.store import keys
from scim.store.query.counters import PACKED_COUNTER_LIMIT, compute_increment
from tests.endpoint import CORE, Endpoint
from tests.stored_data import check_all


def test_full_counters_reject_creates_and_allow_deletes(direct: Endpoint) -> None:
    """The counters of the test are wrong, and the repair corrects them."""
    tenant = direct.token.split("_")[1]
    user = direct.create()
    client = boto3.client("dynamodb")
    for shard in range(256):
        key = {"pk": {"S": keys.paging_partition(tenant)}, "sk": {"S": keys.counter_key(f"{shard:02x}")}}
        increment = compute_increment(user["id"]) if user["id"].startswith(f"{shard:02x}") else 0
        counts = {"counts": {"N": str(PACKED_COUNTER_LIMIT + increment)}, "active": {"N": "0"}}
        client.put_item(TableName=os.environ["TABLE_NAME"], Item={**key, **counts})

    rejected = direct.request("POST", "/Users", {"schemas": [CORE], "userName": "ada"})

    assert rejected.status == 403
    assert "about 12 million users" in rejected.json()["detail"]
    assert direct.request("GET", f"/Users/{user['id']}").status == 200
    assert direct.request("DELETE", f"/Users/{user['id']}").status == 204
    assert direct.request("GET", "/Users?count=0").json()["totalResults"] == 256 * 7_000
    assert direct.request("GET", '/Users?filter=userName eq "ada"').json()["totalResults"] == 0
    findings = check_all(client, is_repairing=True)
    assert {finding.kind for finding in findings} == {FindingKind.COUNTER_WRONG}
    assert len(findings) == 256
    assert direct.request("GET", "/Users?count=0").json()["totalResults"] == 0
