"""Records: failures, which are counted in a partition of their own, and the log of them and of all else.

A tenant's log by time is merged from four partitions as it is read: changes and failures by the index, acts and the
first uses of tokens from the table.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby, islice, takewhile

from botocore.exceptions import BotoCoreError, ClientError

from scim.protocol.errors import Rule, Unavailable
from scim.service.model.change_record import StoredChange
from scim.service.model.failure import KEPT_DAYS, DailyFailures, Failure, FailureCount, FailureKind
from scim.service.model.identifiers import identifier_hash
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.log_record import (
    FailureSearchResult,
    LogPosition,
    LogRecord,
    RecordKind,
    RejectedTokenCount,
)
from scim.service.model.timestamps import format_rfc3339
from scim.store import daily_failures, items, keys, log_codec
from scim.store.keys import KeyRange
from scim.store.table import TIME_ATTRIBUTE, TIME_INDEX, Item, Table

_DAY_S = 86_400
_PAGE = 100
_FORMERLY = 0.5
"""How much of the time that is left the search through all changes may take: others have something to say too."""
_SEARCH = 0.5
"""The same for a search through the newest failures."""
_MOST_CALLS = 20
"""How many calls of 1 MB each a search of the newest failures may take: about 60,000 failures."""
_MOST_MATCHES = 500
_MOST_IDENTIFIERS = 20
"""Of how many identifiers the failures are looked for: each is a call and a part of a filter, which has its limits."""


class DynamoDBAuditLogStore:
    """Of one tenant. ``now`` gives the seconds since 1970."""

    def __init__(self, dynamo: Table, tenant_id: str, now: Callable[[], float]) -> None:
        self._dynamo = dynamo
        self._users = keys.resource_partition(tenant_id)
        self._failures = keys.failure_partition(tenant_id)
        self._settings = keys.settings_partition(tenant_id)
        self._uses = keys.token_usage_partition(tenant_id)
        self._now = now

    # While requests are served: one attempt each, and no reading

    def count(self, failure: Failure) -> FailureCount | None:
        # Requests without an identifier are told apart by the names in them, so that each person's are counted apart.
        names = sorted(failure.identifier_hashes) if not failure.identifier else []
        digest = sha256("\n".join((failure.operation, failure.rule, *names)).encode()).hexdigest()[:16]
        values = log_codec.encode_failure(failure)
        item = self._add(keys.failure_key(failure.identifier, digest), failure.at, 1, values)
        return None if item is None else log_codec.decode_failure(item)

    def count_rejected_tokens(self, at: str, number: int, rule: str, provider: IdentityProvider | None = None) -> bool:
        """Count rejected tokens in their minute and in their day, and return whether that succeeded."""
        is_recorded = self._add(keys.rejected_tokens_key(at[:16]), at, number, {"rule": {"S": rule}}) is not None
        return is_recorded and self.add_to_day(at, {FailureKind.REJECTED_TOKEN: number}, provider)

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: IdentityProvider | None) -> bool:
        """Add to the counts of the day of ``at``, and return whether that succeeded."""
        update = daily_failures.update(at, counts, provider, self._expires())
        try:
            self._dynamo.update(self._failures, keys.daily_failures_key(at[:10]), **update)
        except (ClientError, BotoCoreError):
            return False
        return True

    def count_malformed_tokens(self, at: str, number: int) -> bool:
        """Count requests with a malformed token in their minute; return whether that succeeded."""
        values = {"rule": {"S": Rule.TOKEN_MALFORMED}}
        return self._add(keys.malformed_tokens_key(at[:16]), at, number, values) is not None

    def _add(self, sort: str, at: str, number: int, values: Item) -> Item | None:
        """Count in an item, which is there from the first time on and for 30 days after the last."""
        set_too = {
            **values,
            "last": {"S": at},
            TIME_ATTRIBUTE: {"S": keys.time_key("F#", at)},
            "ttl": {"N": str(self._expires())},
        }
        names = {f"#{n}": name for n, name in enumerate(set_too)}
        assignments = ", ".join(f"#{n} = :{n}" for n in range(len(set_too)))
        expression = {
            "UpdateExpression": f"ADD #count :n, #day :n SET {assignments}, #first = if_not_exists(#first, :at)",
            "ExpressionAttributeNames": {
                **names,
                "#count": "count",
                "#day": log_codec.DAY + at[:10],
                "#first": "first",
            },
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

    def list_records(
        self, before: LogPosition | None = None, kinds: Collection[RecordKind] = tuple(RecordKind)
    ) -> Iterator[tuple[LogPosition, LogRecord]]:
        """All records of these kinds, the last first, or those behind a place; read as they are drawn."""
        uses: dict[tuple[str, str], LogRecord] = {}
        sources = {
            RecordKind.CHANGE: lambda: self._by_time(self._users, keys.CHANGE_PREFIX, before),
            RecordKind.FAILURE: lambda: self._by_time(self._failures, keys.FAILURE_PREFIX, before),
            RecordKind.AUDIT_EVENT: lambda: self._acts(before),
            RecordKind.FIRST_USE: lambda: self._first_uses(before, uses),
        }
        ended: set[str] = set()
        current = (takewhile(lambda place: place.partition not in ended, sources[kind]()) for kind in kinds)
        places = heapq.merge(*current, reverse=True)
        while batch := list(islice(places, _PAGE)):
            found = self._read([place for place in batch if place.partition != self._uses]) | uses
            # Failures expire in the order of time: behind a whole batch of expired ones there are no others.
            ended |= {place.partition for place in batch} & {self._failures} - {partition for partition, _ in found}
            for place in batch:
                if (record := found.get((place.partition, place.sort))) is not None:
                    yield place, record

    def find_failures(self, identifiers: Sequence[str]) -> FailureSearchResult:
        """Return the failures that are kept under one of the identifiers or have it besides, of the first 20 of them.

        The former are complete, except that of requests that name nobody (an empty identifier) the newest 500 are read.
        For the latter the newest failures are searched, as far as a few calls and a part of the time that is left lead.
        """
        known = identifiers[:_MOST_IDENTIFIERS]
        is_complete = len(known) == len(identifiers)
        sorts: dict[str, None] = {}
        for each in known:
            found, are_all_found = self._kept_under(each)
            sorts |= dict.fromkeys(found)
            is_complete = is_complete and are_all_found
        if containing := [("handles", identifier_hash(each)) for each in known if each]:
            found, are_all_searched = self._newest(lambda _: True, containing)
            sorts |= dict.fromkeys(found)
            is_complete = is_complete and are_all_searched
        return FailureSearchResult(self._read_failures(list(sorts)), is_complete)

    def find_failures_by_name(self, name_hash: str, text: str) -> FailureSearchResult:
        """Return the newest failures that have the hash of a name, or ``text`` in the identifier they are kept under.

        The newest failures are searched, as far as a few calls lead.
        """

        def is_meant(item: Item) -> bool:
            has_name = name_hash in item.get("handles", {}).get("SS", ())
            return has_name or text in keys.parse_failure_identifier(item["sk"]["S"])

        found, is_complete = self._newest(is_meant)
        return FailureSearchResult(self._read_failures(found), is_complete)

    def _kept_under(self, identifier: str) -> tuple[list[str], bool]:
        """Return the keys of the failures that are kept under an identifier, and whether these are all.

        Only the empty identifier can have more than are read: each request that names nobody may be about another
        person. Then these are the newest.
        """
        kept = keys.failure_range(identifier)
        query = self._dynamo.query(self._failures, kept, ("sk",), limit=_PAGE)
        found = [item["sk"]["S"] for item in islice(query, _MOST_MATCHES + 1)]
        if len(found) <= _MOST_MATCHES:
            return found, True
        newest, _ = self._newest(lambda item: kept.first <= item["sk"]["S"] <= kept.last)
        return newest, False

    def _newest(
        self, is_meant: Callable[[Item], bool], containing: Sequence[tuple[str, str]] = ()
    ) -> tuple[list[str], bool]:
        """Return the keys of the newest failures that are meant, and whether all failures were searched."""
        calls = self._dynamo.with_deadline(self._dynamo.deadline.with_share(_SEARCH))
        attributes = ("sk", "handles")
        pages = calls.query_pages(
            self._failures, keys.FAILURE_RANGE, attributes, index=TIME_INDEX, backwards=True, containing=containing
        )
        found: list[str] = []
        try:
            for number, (page, has_more) in enumerate(pages, 1):
                sorts = [item["sk"]["S"] for item in page if keys.is_failure_key(item["sk"]["S"]) and is_meant(item)]
                found += sorts[: _MOST_MATCHES - len(found)]
                if len(found) == _MOST_MATCHES or (has_more and number == _MOST_CALLS):
                    return found, False
        except Unavailable:
            return found, False
        return found, True

    def _read_failures(self, sorts: list[str]) -> list[FailureCount]:
        read = self._dynamo.get_all(self._failures, sorts)
        return [log_codec.decode_failure(item) for item in read if not self._is_over(item)]

    def list_changes(self, resource_id: str) -> Iterator[StoredChange]:
        """What was done with a user, the last first."""
        found = self._dynamo.query(self._users, keys.change_range(resource_id), backwards=True, limit=_PAGE)
        yield from map(log_codec.decode_change, found)

    def find_previous_owner_ids(self, identifier_hash: str) -> Iterator[str]:
        """The ids of those who were once known by the identifier with this hash. Reads through all changes.

        Raises :class:`scim.protocol.errors.Unavailable` where that takes more than a part of the time that is left.
        """
        calls = self._dynamo.with_deadline(self._dynamo.deadline.with_share(_FORMERLY))
        found = calls.query(self._users, keys.change_range(), ("sk",), containing=[("handles", identifier_hash)])
        for resource_id, _ in groupby(found, lambda item: keys.parse_changed_user_id(item["sk"]["S"])):
            yield resource_id

    def get_user_names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of those of the users who are here, by id."""
        wanted = [keys.user_key(each) for each in dict.fromkeys(ids) if keys.is_user_id(each)]
        found = map(items.decode_document, self._dynamo.get_all(self._users, wanted, items.DOCUMENT_ATTRIBUTES))
        return {each.id: each.resource["userName"] for each in found}

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """The tokens that were refused since then, minute by minute."""
        return self._minutes(KeyRange(keys.rejected_tokens_key(since[:16]), keys.rejected_tokens_key(":")))

    def list_malformed_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the requests with a malformed token since then, minute by minute."""
        return self._minutes(KeyRange(keys.malformed_tokens_key(since[:16]), keys.malformed_tokens_key(":")))

    def _minutes(self, minutes: KeyRange) -> list[RejectedTokenCount]:
        found = self._dynamo.query(self._failures, minutes)
        return [log_codec.decode_rejected_tokens(item) for item in found if not self._is_over(item)]

    def get_daily_failures(self, first_day: str, last_day: str) -> dict[str, DailyFailures]:
        """Return the counts of the days (UTC) from the first to the last that had failures, by day, in order."""
        found = self._dynamo.query(self._failures, keys.daily_failures_range(first_day, last_day))
        return {keys.parse_day(item["sk"]["S"]): daily_failures.read(item) for item in found}

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count the changes of the days (UTC) from the first to the last by the index, at most ``limit``.

        Return the number, and whether there may be more.
        """
        days = keys.time_range(keys.CHANGE_PREFIX, first_day, last_day)
        found = list(self._dynamo.query_counts(self._users, days, index=TIME_INDEX, limit=limit))
        return sum(number for number, _ in found), any(following is not None for _, following in found[-1:])

    def _by_time(self, partition: str, prefix: str, before: LogPosition | None) -> Iterator[LogPosition]:
        """The places behind one, from the last on. Those of the same time have no order in the index."""
        last = keys.time_key(prefix, before.at) if before else f"{prefix}:"
        found = self._dynamo.query(
            partition,
            KeyRange(prefix, last),
            ("pk", "sk", TIME_ATTRIBUTE),
            index=TIME_INDEX,
            backwards=True,
            limit=_PAGE,
        )
        for time, same in groupby(found, lambda item: item[TIME_ATTRIBUTE]["S"]):
            places = [LogPosition(time.removeprefix(prefix), partition, item["sk"]["S"]) for item in same]
            yield from sorted((each for each in places if before is None or each < before), reverse=True)

    def _acts(self, before: LogPosition | None) -> Iterator[LogPosition]:
        """The same of what was done with the tenant, which its key has in the order of time."""
        until = keys.audit_event_range(before.at if before else None)
        for item in self._dynamo.query(self._settings, until, ("pk", "sk"), backwards=True, limit=_PAGE):
            place = LogPosition(keys.parse_audit_event_time(item["sk"]["S"]), self._settings, item["sk"]["S"])
            if before is None or place < before:
                yield place

    def _first_uses(self, before: LogPosition | None, uses: dict[tuple[str, str], LogRecord]) -> Iterator[LogPosition]:
        """Yield the same of the first uses of the tenant's tokens, and put these into ``uses``, since they are few."""
        places = []
        for item in self._dynamo.query(self._uses, keys.TOKEN_USAGE_RANGE):
            place = LogPosition(format_rfc3339(float(item["first_used"]["N"])), self._uses, item["sk"]["S"])
            uses[place.partition, place.sort] = log_codec.decode_record(item)
            places.append(place)
        yield from sorted((each for each in places if before is None or each < before), reverse=True)

    def _read(self, places: Sequence[LogPosition]) -> dict[tuple[str, str], LogRecord]:
        found: dict[tuple[str, str], LogRecord] = {}
        for partition in {place.partition for place in places}:
            wanted = [place.sort for place in places if place.partition == partition]
            for item in self._dynamo.get_all(partition, wanted):
                if not self._is_over(item):
                    found[partition, item["sk"]["S"]] = log_codec.decode_record(item)
        return found

    def _expires(self) -> int:
        return int(self._now()) + KEPT_DAYS * _DAY_S

    def _is_over(self, item: Item) -> bool:
        """DynamoDB may leave for days what has expired."""
        return "ttl" in item and int(item["ttl"]["N"]) <= self._now()
