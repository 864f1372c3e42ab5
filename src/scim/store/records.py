"""Records: failures, which are counted in a partition of their own, and the log of them and of changes.

A tenant's log by time lies in two partitions of the index, that of its changes and that of its failures, and is merged
from the two as it is read.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import groupby, islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scim.service.failures import KEPT_DAYS, Counted, Failure
from scim.service.ports import Change
from scim.service.records import Changed, Place, Record, Refused
from scim.store import keys
from scim.store.dynamo import BY_TIME, SORT_OF_INDEX, Dynamo, Item
from scim.store.keys import Range

_DAY_S = 86_400
_DAY = "day#"
_PAGE = 100
_OWN = ("at", "operation", "handles")
"""What of a failure has an attribute of its own; the rest is one JSON string."""


class RecordStore:
    """Of one tenant. ``now`` gives the seconds since 1970."""

    def __init__(self, dynamo: Dynamo, tenant_id: str, now: Callable[[], float]) -> None:
        self._dynamo = dynamo
        self._users = keys.tenant(tenant_id)
        self._failures = keys.failures(tenant_id)
        self._now = now

    # While requests are served: one attempt each, and no reading

    def count(self, failure: Failure) -> Counted | None:
        digest = sha256(f"{failure.operation}\n{failure.rule}".encode()).hexdigest()[:16]
        said = {name: value for name, value in asdict(failure).items() if name not in _OWN}
        values: dict[str, Any] = {"operation": {"S": failure.operation}, "failure": {"S": json.dumps(said)}}
        if failure.handles:
            values["handles"] = {"SS": sorted(failure.handles)}
        item = self._add(keys.failure(failure.identifier, digest), failure.at, 1, values)
        return None if item is None else _counted(item)

    def refuse(self, at: str, number: int, rule: str) -> bool:
        """Count refused tokens in their minute; whether that succeeded."""
        return self._add(keys.refusals(at[:16]), at, number, {"rule": {"S": rule}}) is not None

    def _add(self, sort: str, at: str, number: int, values: dict[str, Any]) -> Item | None:
        """Count in an item, which is there from the first time on and for 30 days after the last."""
        set_too = {
            **values,
            "last": {"S": at},
            SORT_OF_INDEX: {"S": keys.recorded("F#", at)},
            "ttl": {"N": str(int(self._now()) + KEPT_DAYS * _DAY_S)},
        }
        names = {f"#{n}": name for n, name in enumerate(set_too)}
        assignments = ", ".join(f"#{n} = :{n}" for n in range(len(set_too)))
        expression = {
            "UpdateExpression": f"ADD #count :n, #day :n SET {assignments}, #first = if_not_exists(#first, :at)",
            "ExpressionAttributeNames": {**names, "#count": "count", "#day": _DAY + at[:10], "#first": "first"},
            "ExpressionAttributeValues": {
                **{f":{n}": value for n, value in enumerate(set_too.values())},
                ":n": {"N": str(number)},
                ":at": {"S": at},
            },
        }
        try:
            return self._dynamo.update(self._failures, sort, **expression)
        except (ClientError, BotoCoreError):
            return None

    # For whoever looks into the log

    def log(self, before: Place | None = None, *, failures_only: bool = False) -> Iterator[tuple[Place, Record]]:
        """All records, the last first, or those behind a place; read as they are drawn."""
        sources = [self._by_time(self._failures, "F#", before)]
        if not failures_only:
            sources.append(self._by_time(self._users, "C#", before))
        places = heapq.merge(*sources, reverse=True)
        while batch := list(islice(places, _PAGE)):
            found = self._read(batch)
            for place in batch:
                if (record := found.get((place.partition, place.sort))) is not None:
                    yield place, record

    def failures(self, handles: Iterable[str]) -> Iterator[Counted]:
        """The failures of whoever has one of the handles. Reads through all failures of the tenant."""
        holding = [("handles", each) for each in sorted(handles)]
        for item in self._dynamo.query(self._failures, keys.FAILURES, holding=holding) if holding else ():
            if not self._is_over(item):
                yield _counted(item)

    def changes(self, resource_id: str) -> Iterator[Changed]:
        """What was done with a user, the last first."""
        yield from map(_changed, self._dynamo.query(self._users, keys.changes(resource_id), backwards=True))

    def formerly(self, handle: str) -> list[str]:
        """The ids of those who were once known by what the handle stands for. Reads through all changes."""
        found = self._dynamo.query(self._users, keys.changes(), ("sk",), holding=[("handles", handle)])
        return list(dict.fromkeys(keys.changed_id(item["sk"]["S"]) for item in found))

    def refused(self, since: str) -> list[Refused]:
        """The tokens that were refused since then, minute by minute."""
        minutes = Range(keys.refusals(since[:16]), keys.refusals(":"))
        return [_refused(item) for item in self._dynamo.query(self._failures, minutes) if not self._is_over(item)]

    def failed(self, days: Sequence[str], operations: Sequence[str]) -> int:
        """How often these operations failed on these days, silent no-ops not counted."""
        names = ("operation", "failure", *(_DAY + day for day in days))
        total = 0
        for item in self._dynamo.query(self._failures, keys.FAILURES):
            if item["operation"]["S"] in operations and json.loads(item["failure"]["S"])["status"] >= 400:
                total += sum(int(item[name]["N"]) for name in names[2:] if name in item)
        return total

    def changed(self, since: str) -> int:
        """How many changes there were since then, by the index."""
        since_then = Range(keys.recorded("C#", since), "C$")
        return sum(number for number, _ in self._dynamo.count(self._users, since_then, index=BY_TIME))

    def _by_time(self, partition: str, prefix: str, before: Place | None) -> Iterator[Place]:
        """The places behind one, from the last on. Those of the same time have no order in the index."""
        last = keys.recorded(prefix, before.at) if before else f"{prefix}:"
        found = self._dynamo.query(
            partition,
            Range(prefix, last),
            ("pk", "sk", SORT_OF_INDEX),
            index=BY_TIME,
            backwards=True,
            limit=_PAGE,
        )
        for time, same in groupby(found, lambda item: item[SORT_OF_INDEX]["S"]):
            places = [Place(time.removeprefix(prefix), partition, item["sk"]["S"]) for item in same]
            yield from sorted((each for each in places if before is None or each < before), reverse=True)

    def _read(self, places: Sequence[Place]) -> dict[tuple[str, str], Record]:
        found: dict[tuple[str, str], Record] = {}
        for partition in {place.partition for place in places}:
            wanted = [place.sort for place in places if place.partition == partition]
            for item in self._dynamo.get_all(partition, wanted):
                if not self._is_over(item):
                    found[partition, item["sk"]["S"]] = _record(item)
        return found

    def _is_over(self, item: Item) -> bool:
        """DynamoDB may leave for days what has expired."""
        return "ttl" in item and int(item["ttl"]["N"]) <= self._now()


def _record(item: Item) -> Record:
    if "change" in item:
        return _changed(item)
    return _refused(item) if keys.is_refusal(item["sk"]["S"]) else _counted(item)


def _counted(item: Item) -> Counted:
    said = json.loads(item["failure"]["S"])
    failure = Failure(
        at=item["last"]["S"],
        operation=item["operation"]["S"],
        handles=frozenset(item.get("handles", {}).get("SS", ())),
        **said,
    )
    days = {name.removeprefix(_DAY): int(value["N"]) for name, value in item.items() if name.startswith(_DAY)}
    return Counted(failure, item["first"]["S"], int(item["count"]["N"]), days)


def _refused(item: Item) -> Refused:
    return Refused(item["first"]["S"], item["last"]["S"], int(item["count"]["N"]), item["rule"]["S"])


def _changed(item: Item) -> Changed:
    change = Change(
        at=item["at"]["S"],
        operation=item["operation"]["S"],
        changed=_texts(item, "changed"),
        participation=item["participation"]["S"],
        actor=item["actor"]["S"],
        request_id=item["request"]["S"],
        leniencies=_texts(item, "leniencies"),
        resource_type=item["resourceType"]["S"],
        user_name=item["userName"]["S"],
        external_id=item.get("externalId", {}).get("S"),
        active=item["active"]["BOOL"],
        left_out=_texts(item, "leftOut"),
        links=[(each["M"]["attribute"]["S"], each["M"]["id"]["S"]) for each in item.get("links", {}).get("L", ())],
    )
    return Changed(keys.changed_id(item["sk"]["S"]), change)


def _texts(item: Item, name: str) -> list[str]:
    return [each["S"] for each in item.get(name, {}).get("L", ())]
