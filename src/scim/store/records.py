"""Records: failures, which are counted in a partition of their own, and the log of them and of all else.

A tenant's log by time is merged from four partitions as it is read: changes and failures by the index, acts and the
first uses of tokens from the table.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby, islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scim.service.failures import KEPT_DAYS, Counted, Failure
from scim.service.ports import MALFORMED
from scim.service.records import ACTS, CHANGES, EVERYTHING, FAILURES, USES, Changed, Place, Record, Refused
from scim.store import items, keys, recorded
from scim.store.dynamo import BY_TIME, SORT_OF_INDEX, Dynamo, Item
from scim.store.keys import Range

_DAY_S = 86_400
_PAGE = 100
_FORMERLY = 0.5
"""How much of the time that is left the search through all changes may take: others have something to say too."""
_OWN = ("at", "operation", "handles")
"""What of a failure has an attribute of its own; the rest is one JSON string."""


class RecordStore:
    """Of one tenant. ``now`` gives the seconds since 1970."""

    def __init__(self, dynamo: Dynamo, tenant_id: str, now: Callable[[], float]) -> None:
        self._dynamo = dynamo
        self._users = keys.tenant(tenant_id)
        self._failures = keys.failures(tenant_id)
        self._settings = keys.settings(tenant_id)
        self._uses = keys.uses(tenant_id)
        self._now = now

    # While requests are served: one attempt each, and no reading

    def count(self, failure: Failure) -> Counted | None:
        # Requests without an identifier are told apart by the names in them, so that each person's are counted apart.
        names = sorted(failure.handles) if not failure.identifier else []
        digest = sha256("\n".join((failure.operation, failure.rule, *names)).encode()).hexdigest()[:16]
        said = {name: value for name, value in asdict(failure).items() if name not in _OWN}
        values: dict[str, Any] = {"operation": {"S": failure.operation}, "failure": {"S": json.dumps(said)}}
        if failure.handles:
            values["handles"] = {"SS": sorted(failure.handles)}
        item = self._add(keys.failure(failure.identifier, digest), failure.at, 1, values)
        return None if item is None else recorded.counted(item)

    def refuse(self, at: str, number: int, rule: str) -> bool:
        """Count refused tokens in their minute; whether that succeeded."""
        return self._add(keys.refusals(at[:16]), at, number, {"rule": {"S": rule}}) is not None

    def count_malformed(self, at: str, number: int) -> bool:
        """Count requests with a malformed token in their minute; return whether that succeeded."""
        values = {"rule": {"S": MALFORMED}}
        return self._add(keys.malformed_tokens(at[:16]), at, number, values) is not None

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
            "ExpressionAttributeNames": {**names, "#count": "count", "#day": recorded.DAY + at[:10], "#first": "first"},
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

    def log(self, before: Place | None = None, kinds: Collection[str] = EVERYTHING) -> Iterator[tuple[Place, Record]]:
        """All records of these kinds, the last first, or those behind a place; read as they are drawn."""
        sources = {
            CHANGES: lambda: self._by_time(self._users, keys.CHANGES, before),
            FAILURES: lambda: self._by_time(self._failures, keys.FAILED, before),
            ACTS: lambda: self._acts(before),
            USES: lambda: self._first_uses(before),
        }
        places = heapq.merge(*(sources[kind]() for kind in kinds), reverse=True)
        while batch := list(islice(places, _PAGE)):
            found = self._read(batch)
            for place in batch:
                if (record := found.get((place.partition, place.sort))) is not None:
                    yield place, record

    def failures(self, handles: Iterable[str] | None = None) -> Iterator[Counted]:
        """The failures of whoever has one of the handles, or of everybody. Reads through all failures of the tenant."""
        holding = [("handles", each) for each in sorted(handles or ())]
        if handles is not None and not holding:
            return
        for item in self._dynamo.query(self._failures, keys.FAILURES, holding=holding):
            if not self._is_over(item):
                yield recorded.counted(item)

    def changes(self, resource_id: str) -> Iterator[Changed]:
        """What was done with a user, the last first."""
        yield from map(recorded.changed, self._dynamo.query(self._users, keys.changes(resource_id), backwards=True))

    def formerly(self, handle: str) -> Iterator[str]:
        """The ids of those who were once known by what the handle stands for. Reads through all changes.

        Raises :class:`scim.protocol.errors.Unavailable` where that takes more than a part of the time that is left.
        """
        calls = self._dynamo.within(self._dynamo.deadline.part(_FORMERLY))
        found = calls.query(self._users, keys.changes(), ("sk",), holding=[("handles", handle)])
        for resource_id, _ in groupby(found, lambda item: keys.changed_id(item["sk"]["S"])):
            yield resource_id

    def user_names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of those of the users who are here, by id."""
        wanted = [keys.user(each) for each in dict.fromkeys(ids) if keys.is_user_id(each)]
        found = map(items.document, self._dynamo.get_all(self._users, wanted, items.DOCUMENT))
        return {each.id: each.resource["userName"] for each in found}

    def refused(self, since: str) -> list[Refused]:
        """The tokens that were refused since then, minute by minute."""
        return self._minutes(Range(keys.refusals(since[:16]), keys.refusals(":")))

    def malformed_tokens(self, since: str) -> list[Refused]:
        """Return the requests with a malformed token since then, minute by minute."""
        return self._minutes(Range(keys.malformed_tokens(since[:16]), keys.malformed_tokens(":")))

    def _minutes(self, minutes: Range) -> list[Refused]:
        found = self._dynamo.query(self._failures, minutes)
        return [recorded.refused(item) for item in found if not self._is_over(item)]

    def failed(self) -> Counter[tuple[str, str]]:
        """How often each operation failed on each day, by day and operation. Reads through all failures."""
        total = Counter[tuple[str, str]]()
        for item in self._dynamo.query(self._failures, keys.FAILED_REQUESTS):
            if not self._is_over(item) and (operation := recorded.failed_operation(item)):
                total.update({(day, operation): number for day, number in recorded.days(item).items()})
        return total

    def changed(self, day: str) -> int:
        """How many changes there were on a day, by the index."""
        that_day = keys.recorded_on(keys.CHANGES, day)
        return sum(number for number, _ in self._dynamo.count(self._users, that_day, index=BY_TIME))

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

    def _acts(self, before: Place | None) -> Iterator[Place]:
        """The same of what was done with the tenant, which its key has in the order of time."""
        until = keys.acts(before.at if before else None)
        for item in self._dynamo.query(self._settings, until, ("pk", "sk"), backwards=True, limit=_PAGE):
            place = Place(keys.acted_at(item["sk"]["S"]), self._settings, item["sk"]["S"])
            if before is None or place < before:
                yield place

    def _first_uses(self, before: Place | None) -> Iterator[Place]:
        """Yield the same of the first uses of the tenant's tokens, of which there are few."""
        found = self._dynamo.query(self._uses, keys.USES, ("sk", "first_used"))
        places = (Place(_instant(float(item["first_used"]["N"])), self._uses, item["sk"]["S"]) for item in found)
        yield from sorted((each for each in places if before is None or each < before), reverse=True)

    def _read(self, places: Sequence[Place]) -> dict[tuple[str, str], Record]:
        found: dict[tuple[str, str], Record] = {}
        for partition in {place.partition for place in places}:
            wanted = [place.sort for place in places if place.partition == partition]
            for item in self._dynamo.get_all(partition, wanted):
                if not self._is_over(item):
                    found[partition, item["sk"]["S"]] = recorded.record(item)
        return found

    def _is_over(self, item: Item) -> bool:
        """DynamoDB may leave for days what has expired."""
        return "ttl" in item and int(item["ttl"]["N"]) <= self._now()


def _instant(seconds: float) -> str:
    """Return a time in seconds since 1970 as RFC 3339 in UTC, as the other records have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
