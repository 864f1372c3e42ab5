"""The change records of one tenant: the adapter behind :class:`scim.service.activity.Activity`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from heapq import nlargest

from scim.service.activity import Entry, in_words
from scim.store import items, keys
from scim.store.dynamo import Dynamo, Item


class ChangeLog:
    def __init__(self, dynamo: Dynamo, tenant_id: str) -> None:
        self._dynamo = dynamo
        self._partition = keys.tenant(tenant_id)

    def latest(self, count: int, before: str = "") -> Sequence[Entry]:
        """The newest entries that are older than ``before``. Records are in the order of users: all are read."""
        found = self._dynamo.query(self._partition, keys.changes())
        wanted = (item for item in found if not before or item["at"]["S"] < before)
        return self._entries(nlargest(count, wanted, key=lambda item: (item["at"]["S"], item["sk"]["S"])))

    def timeline(self, identifier: str) -> Sequence[Entry]:
        """All about one person, by id."""
        if not keys.is_user_id(identifier):
            return []
        return self._entries(reversed(list(self._dynamo.query(self._partition, keys.changes(identifier)))))

    def _entries(self, found: Iterable[Item]) -> list[Entry]:
        records = list(found)
        ids = {keys.changed_id(item["sk"]["S"]) for item in records}
        users = self._dynamo.get_all(self._partition, sorted(map(keys.user, ids)), items.DOCUMENT)
        names = {keys.resource_id(item["sk"]["S"]): json.loads(item["doc"]["S"])["userName"] for item in users}
        return [_entry(item, names) for item in records]


def _entry(item: Item, names: dict[str, str]) -> Entry:
    user_id = keys.changed_id(item["sk"]["S"])
    changed = [name["S"] for name in item["changed"]["L"]]
    operation, participation = item["operation"]["S"], item["participation"]["S"]
    return Entry(
        at=item["at"]["S"],
        operation=operation,
        decided=in_words(operation, changed, participation),
        person=names.get(user_id, ""),
        user_id=user_id,
        sent=changed,
        leniencies=[name["S"] for name in item["leniencies"]["L"]],
        participation=participation,
        request_id=item["request"]["S"],
    )
