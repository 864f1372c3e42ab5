"""The change records of one tenant: the adapter behind :class:`scim.service.activity.Activity`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from heapq import nlargest

from scim.protocol.schema import ResourceType
from scim.service import lookup
from scim.service.activity import Case, Entry, in_words, recognise
from scim.service.ports import Store
from scim.store import items, keys
from scim.store.dynamo import Dynamo, Item

_PEOPLE = 10


class ChangeLog:
    def __init__(self, dynamo: Dynamo, tenant_id: str, users: Store, resource_type: ResourceType) -> None:
        self._dynamo = dynamo
        self._partition = keys.tenant(tenant_id)
        self._users = users
        self._type = resource_type

    def page(self, before: str = "", *, count: int) -> tuple[Sequence[Entry], str]:
        """The last entries, or those behind a place. Records are in the order of users, so that all are read."""
        found = self._dynamo.query(self._partition, keys.changes())
        wanted = (item for item in found if not before or _place(item) < before)
        last = nlargest(count + 1, wanted, key=_place)
        return self._entries(last[:count]), _place(last[count - 1]) if len(last) > count else ""

    def why(self, person: str) -> Case:
        people = lookup.exactly(self._users, self._type, person, _PEOPLE)
        ids = [each.id for each in people] or ([person] if keys.is_user_id(person) else [])
        records = [item for each in ids for item in self._dynamo.query(self._partition, keys.changes(each))]
        return Case(people, self._entries(sorted(records, key=_place, reverse=True)))

    def _entries(self, found: Iterable[Item]) -> list[Entry]:
        records = list(found)
        wanted = {keys.user(keys.changed_id(item["sk"]["S"])) for item in records}
        users = self._dynamo.get_all(self._partition, sorted(wanted), items.DOCUMENT)
        names = {keys.resource_id(item["sk"]["S"]): json.loads(item["doc"]["S"])["userName"] for item in users}
        return [_entry(item, names) for item in records]


def _place(item: Item) -> str:
    """Where a record lies in the order of time."""
    return f"{item['at']['S']} {item['sk']['S']}"


def _entry(item: Item, names: dict[str, str]) -> Entry:
    user_id = keys.changed_id(item["sk"]["S"])
    changed = [name["S"] for name in item["changed"]["L"]]
    operation = item["operation"]["S"]
    return Entry(
        at=item["at"]["S"],
        kind="change",
        person=names.get(user_id, user_id),
        operation=operation,
        what=in_words(operation, changed, item["participation"]["S"]),
        sent=changed,
        request_id=item["request"]["S"],
        provider=recognise("", (name["S"] for name in item["leniencies"]["L"])),
    )
