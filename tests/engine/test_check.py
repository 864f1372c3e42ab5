"""Test the check of a tenant on a real engine: it finds random damage, and repairs it."""

import copy
import json
import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from scim.service.maintenance.findings import FINDING_TEXTS, Finding
from scim.store.maintenance.partitions import list_tenant_partitions
from tests.endpoint import ENTERPRISE, Endpoint
from tests.engine.conftest import ReadEvents
from tests.size import sizes
from tests.stored_data import build_maintenance, check, link_tasks_are_due

Item = dict[str, Any]
Key = tuple[str, str]
Items = dict[Key, Item]

NOT_REPAIRABLE = {kind for kind, text in FINDING_TEXTS.items() if not text.repair}
CASES_PER_TENANT = 100
WRITES = 30


@dataclass
class StoredTenant:
    """A tenant whose items can be damaged and put back."""

    client: Any
    scim: Endpoint
    maintenance: Any = field(init=False)
    undamaged: Items = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.maintenance = build_maintenance(self.client)
        self.table = self.maintenance.settings.table_name
        self.id = self.scim.token.split("_")[1]

    def read(self) -> Items:
        """Return all items of the tenant, by key."""
        partitions = {*list_tenant_partitions(self.id)}
        items = self.client.scan(TableName=self.table)["Items"]
        keyed = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
        return {key: item for key, item in keyed.items() if key[0] in partitions or key == ("TENANTS", self.id)}

    def delete(self, key: Key) -> None:
        self.client.delete_item(TableName=self.table, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}})

    def put(self, item: Item) -> None:
        self.client.put_item(TableName=self.table, Item=item)

    def put_back(self) -> None:
        """Undo all damage and all repairs."""
        now = self.read()
        for key in now.keys() - self.undamaged.keys():
            self.delete(key)
        for key, item in self.undamaged.items():
            if now.get(key) != item:
                self.put(item)

    def check(self, **options: bool) -> list[Finding]:
        return check(self.maintenance, self.id, **options)


def write_at_random(scim: Endpoint, chance: random.Random, writes: int = WRITES) -> None:
    """Send random writes: users are created with managers, renamed, activated, deactivated and deleted."""
    ids: list[str] = []
    names = [f"user-{number}@example.com" for number in range(30)]
    for _ in range(writes):
        kind = chance.choice(["create", "create", "patch", "patch", "rename", "delete", "bulk"])
        name = chance.choice(names)
        user = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "externalId": f"id-{chance.randrange(20)}",
            "active": chance.random() < 0.7,
            "emails": [{"value": chance.choice(names), "type": "work"}],
            ENTERPRISE: {"manager": {"value": chance.choice(names)}},
        }
        if kind == "create" or not ids:
            response = scim.request("POST", "/Users", user)
            ids += [response.json()["id"]] if response.status == 201 else []
        elif kind == "patch":
            operation = {"op": "replace", "path": "active", "value": chance.random() < 0.5}
            scim.patch(chance.choice(ids), operation, {"op": "replace", "path": "title", "value": name})
        elif kind == "rename":
            scim.patch(chance.choice(ids), {"op": "replace", "path": "userName", "value": name})
        elif kind == "delete":
            scim.request("DELETE", f"/Users/{ids.pop(chance.randrange(len(ids)))}")
        else:
            operations = [
                {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user | {"userName": f"{name}{n}"}}
                for n in range(3)
            ]
            body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
            response = scim.request("POST", "/Bulk", body)
            created = [result for result in response.json()["Operations"] if result["status"] == "201"]
            ids += [result["location"].rpartition("/")[2] for result in created]


def damage_at_random(tenant: StoredTenant, chance: random.Random) -> str:
    """Remove or double a random item, and say which. Only damage that leaves a trace is chosen."""
    while True:
        key = chance.choice(sorted(tenant.undamaged))
        item = tenant.undamaged[key]
        if chance.random() < 0.5:
            if not is_removal_noticed(tenant.undamaged, key):
                continue
            tenant.delete(key)
            return f"removed {key[1]}"
        doubled = double(tenant.undamaged, item, chance)
        if doubled is None or (doubled["pk"]["S"], doubled["sk"]["S"]) in tenant.undamaged:
            continue
        tenant.put(doubled)
        return f"doubled {key[1]} as {doubled['sk']['S']}"


def is_removal_noticed(items: Items, key: Key) -> bool:
    """Return whether other items show that an item was removed.

    - Nothing refers to audit events, token usage, failures and bookmarks.
    - The earliest records of a deleted user may have expired.
    - Nothing says how many link changes an earlier version had, so its last one is not missed.
    - A counter of a shard without users is not needed.
    """
    partition_key, sort_key = key
    prefix = sort_key.partition("#")[0]
    if partition_key[0] == "L":
        return prefix == "K" and items[key]["counts"]["N"] != "0"
    if partition_key[0] not in "TW":
        return False
    if prefix != "C":
        return True
    records = sorted(other[1] for other in items if other[1].startswith(sort_key[:39]))
    is_deleted = (partition_key, f"U#{sort_key[2:38]}") not in items
    if is_deleted and sort_key == records[0]:
        return False
    if sort_key == records[-1]:
        return True
    is_last_of_version = not records[records.index(sort_key) + 1].startswith(sort_key[:49])
    return not (len(sort_key) > 49 and is_last_of_version)


def double(items: Items, item: Item, chance: random.Random) -> Item | None:
    """Return a copy of an item under another key, as a delete that was lost would leave it. ``None``: no such key."""
    kind = item["pk"]["S"][0] + item["sk"]["S"][0]
    doubles = {
        "LK": _double_counter,
        "WW": _double_reference_entry,
        "TU": _double_user,
        "TN": _double_unique_key,
        "TI": _double_index_entry,
        "TC": _double_change_record,
    }
    changed = doubles[kind](items, item, chance) if kind in doubles else None
    return changed and copy.deepcopy(item) | changed


def _double_counter(_: Items, item: Item, chance: random.Random) -> Item | None:
    return None if item["counts"]["N"] == "0" else {"sk": {"S": f"K#{chance.randrange(256):02x}"}}


def _double_reference_entry(items: Items, item: Item, chance: random.Random) -> Item:
    _, identifier_hash, user_id = item["sk"]["S"].split("#")
    choices = [f"{chance.getrandbits(96):024x}#{user_id}", f"{identifier_hash}#{choose_id(items, chance)}"]
    return {"sk": {"S": f"W#{chance.choice(choices)}"}}


def _double_user(_: Items, item: Item, chance: random.Random) -> Item:
    """Copy a user, with the new id in the document or not."""
    other_id = new_id(chance)
    document = json.loads(item["doc"]["S"]) | ({"id": other_id} if chance.random() < 0.5 else {})
    return {"sk": {"S": f"U#{other_id}"}, "doc": {"S": json.dumps(document)}}


def _double_unique_key(_: Items, __: Item, chance: random.Random) -> Item:
    return {"sk": {"S": f"N#former-{chance.randrange(10)}@example.com"}}


def _double_index_entry(items: Items, item: Item, chance: random.Random) -> Item:
    _, attribute, value, user_id = item["sk"]["S"].split("#")
    if chance.random() < 0.5:
        return {"sk": {"S": f"I#{attribute}#former-{value}#{user_id}"}}
    other_id = choose_id(items, chance)
    return {"sk": {"S": f"I#{attribute}#{value}#{other_id}"}, "id": {"S": other_id}}


def _double_change_record(items: Items, item: Item, chance: random.Random) -> Item | None:
    """Copy a record to the next version of its user, or to a user that never existed."""
    _, user_id, version, *_ = item["sk"]["S"].split("#")
    if item["operation"]["S"] == "delete":
        return None  # the deletion of a user that never existed contradicts nothing
    newest = max(int(key[1][39:49]) for key in items if key[1].startswith(f"C#{user_id}#"))
    choices = [f"{user_id}#{newest + 1:010d}", f"{new_id(chance)}#{version}"]
    return {"sk": {"S": f"C#{chance.choice(choices)}"}}


def choose_id(items: Items, chance: random.Random) -> str:
    """Return the id of a user, or of no user."""
    users = sorted(key[1][2:] for key in items if key[1].startswith("U#"))
    return chance.choice([new_id(chance), chance.choice(users)])


def new_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


@pytest.mark.parametrize("cases", sizes(30, 1_000))
def test_random_damage_is_found_and_repaired(
    scim: Endpoint,
    client: Any,
    publish: ReadEvents,
    monkeypatch: pytest.MonkeyPatch,
    cases: int,
    record_property: Callable[[str, object], None],
) -> None:
    chance = random.Random(16)  # noqa: S311  # reproducible
    kinds: dict[str, int] = {}
    tenant = StoredTenant(client, scim)
    for case in range(cases):
        if case % CASES_PER_TENANT == 0:
            write_at_random(scim, chance)
            while publish_all(publish, tenant):
                pass
            tenant.undamaged = tenant.read()
        damage = [damage_at_random(tenant, chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        with link_tasks_are_due(monkeypatch):
            late = StoredTenant(client, scim)  # its clock is that of the context
            found = late.check(is_repairing=True)
            assert found, damage
            left = late.check()
            assert {finding.kind for finding in left} <= NOT_REPAIRABLE, (damage, found, left)
            assert {(finding.kind, finding.subject) for finding in left} <= {
                (finding.kind, finding.subject) for finding in found
            }, (damage, found, left)
        for finding in found:
            kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
        tenant.put_back()
    record_property("summary", f"Findings in {cases} cases of random damage\n" + json.dumps(kinds, indent=2))


def publish_all(publish: ReadEvents, tenant: StoredTenant) -> bool:
    """Process the stream and the links queue; return whether that has changed items."""
    before = tenant.read()
    publish()
    return tenant.read() != before


def test_check_during_writes_finds_nothing(direct: Endpoint, client: Any) -> None:
    """While four threads write, the scan reads versions of different times. None of that is a finding."""
    maintenance = build_maintenance(client)
    tenant_id = direct.token.split("_")[1]
    is_done = threading.Event()

    def write(seed: int) -> int:
        rounds = 0
        while not is_done.is_set():
            write_at_random(direct, random.Random(seed), 10)  # noqa: S311  # reproducible
            seed += 4
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, seed) for seed in range(4)]
        try:
            found = [check(maintenance, tenant_id) for _ in range(10)]
        finally:
            is_done.set()
        assert all(writer.result() > 1 for writer in writers)
    assert found == [[]] * 10
    total = direct.request("GET", "/Users?count=0").json()["totalResults"]
    assert total > 10
