"""Count the failures of a tenant, and read its audit log. :mod:`scim.store.log_reader` reads it by time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

from scim.aws.errors import AwsError
from scim.protocol.errors import MALFORMED_TOKEN_RULES, Unavailable
from scim.service.model.audit.failure import RETENTION_DAYS, DailyFailures, Failure, FailureCount, FailureKind
from scim.service.model.audit.log_record import (
    FailureSearchResult,
    LogPosition,
    LogRecord,
    RecordKind,
    RejectedTokenCount,
)
from scim.service.model.change_record import StoredChange
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.identifiers import hash_identifier
from scim.service.model.identity_provider import IdentityProvider
from scim.store import daily_failures, items, keys, log_codec
from scim.store.deactivations.deactivation_store import read_last_alert
from scim.store.keys import KeyRange
from scim.store.log_reader import LogReader
from scim.store.requests.failed_requests import build_failure_key, build_update, list_failure_keys
from scim.store.requests.keys import failed_request_key
from scim.store.table import TIME_ATTRIBUTE, TIME_INDEX, Item, Table

_EXPIRY_S = RETENTION_DAYS * 86_400
_BATCH_SIZE = 100
_SEARCH_SHARE = 0.5
"""The share of the remaining time that a search through all changes or the newest failures may take."""
_MAX_CALLS = 20
"""The maximum number of calls for a search through the newest failures. 20 MB are about 60,000 failures."""
_MAX_MATCHES = 500
_MAX_IDENTIFIERS = 200
"""The maximum number of identifiers in a search. Each needs a call."""


class DynamoDBAuditLogStore:
    """The audit log of one tenant: the adapter for :class:`scim.service.ports.AuditLogStore` and ``FailureStore``.

    ``now`` returns the current time in seconds since 1970. ``provider`` is the identity provider that was chosen for
    the tenant, which the failures that are read name; ``None`` for the detected one.
    """

    def __init__(
        self, table: Table, tenant_id: str, now: Callable[[], float], provider: IdentityProvider | None = None
    ) -> None:
        self._table = table
        self._tenant_id = tenant_id
        self._users = keys.resource_partition(tenant_id)
        self._failures = keys.failure_partition(tenant_id)
        self._settings = keys.settings_partition(tenant_id)
        self._token_usages = keys.token_usage_partition(tenant_id)
        self._alerts = keys.paging_partition(tenant_id)
        self._now = now
        self._provider = provider

    # Counting failures. Each call makes one attempt and reads nothing, because requests wait for it.
    def record_failure(self, failure: Failure, number: int = 1) -> FailureCount | None:
        """Record that a failure happened ``number`` times, or count it again. Return ``None`` if the write failed."""
        attributes = log_codec.encode_failure(failure)
        item = self._increment(build_failure_key(failure), failure.at, number, attributes)
        return None if item is None else log_codec.decode_failure(item, self._provider)

    def count_rejected_tokens(
        self, at: str, number: int, rule: str, provider: IdentityProvider | None = None, request_id: str = ""
    ) -> bool:
        """Add ``number`` rejected tokens to the counts of the minute and the day. Return whether that succeeded.

        ``rule`` and ``request_id`` are those of the last request.
        """
        is_recorded = self._count_tokens(keys.rejected_tokens_key(at[:16]), at, number, rule, request_id)
        return is_recorded and self.add_to_day(at, {FailureKind.REJECTED_TOKEN: number}, provider)

    def count_malformed_tokens(self, at: str, number: int, rule: str, request_id: str = "") -> bool:
        """Add malformed tokens to the count of the minute. Return whether that succeeded.

        ``rule`` and ``request_id`` are those of the last request. The id is empty if anyone can have sent it.
        """
        return self._count_tokens(keys.malformed_tokens_key(at[:16]), at, number, rule, request_id)

    def _count_tokens(self, sort_key: str, at: str, number: int, rule: str, request_id: str) -> bool:
        attributes: Item = {"rule": {"S": rule}}
        if request_id:
            attributes[log_codec.REQUEST] = {"S": request_id}
        return self._increment(sort_key, at, number, attributes) is not None

    def add_to_day(self, at: str, counts: Mapping[FailureKind, int], provider: IdentityProvider | None) -> bool:
        """Add to the counts of the day (UTC) of ``at``. Return whether that succeeded."""
        update = daily_failures.build_update(at, counts, provider, self._compute_expiry())
        return self._try_to_update(keys.daily_failures_key(at[:10]), update)

    def record_failed_request(self, request_id: str, failures: Sequence[Failure]) -> bool:
        """Let failures be found by the id of their request. Return whether that succeeded."""
        return self._lead_to(request_id, map(build_failure_key, failures))

    def record_rejected_request(self, request_id: str, at: str, rule: str) -> bool:
        """Let the count of rejected or malformed tokens of a minute be found by the id of a request.

        ``at`` is when the count was written (RFC 3339 in UTC). Return whether that succeeded.
        """
        is_malformed = rule in MALFORMED_TOKEN_RULES
        build_key = keys.malformed_tokens_key if is_malformed else keys.rejected_tokens_key
        return self._lead_to(request_id, [build_key(at[:16])])

    def _lead_to(self, request_id: str, sort_keys: Iterable[str]) -> bool:
        return self._try_to_update(failed_request_key(request_id), build_update(sort_keys, self._compute_expiry()))

    def _try_to_update(self, sort_key: str, update: Mapping[str, Any]) -> bool:
        try:
            self._table.update_once(self._failures, sort_key, **update)
        except AwsError:
            return False
        return True

    def _increment(self, sort_key: str, at: str, number: int, attributes: Item) -> Item | None:
        """Add to the count of an item, and let it expire after 30 days. Return the item, or ``None`` after an error."""
        assigned = {
            **attributes,
            "last": {"S": at},
            TIME_ATTRIBUTE: {"S": keys.time_key(keys.FAILURE_PREFIX, at)},
            "ttl": {"N": str(self._compute_expiry())},
        }
        names = {f"#{n}": name for n, name in enumerate(assigned)}
        assignments = ", ".join(f"#{n} = :{n}" for n in range(len(assigned)))
        expression = {
            "UpdateExpression": f"ADD #count :n, #day :n SET {assignments}, #first = if_not_exists(#first, :at)",
            "ExpressionAttributeNames": {
                **names,
                "#count": "count",
                "#day": log_codec.DAY_PREFIX + at[:10],
                "#first": "first",
            },
            "ExpressionAttributeValues": {
                **{f":{n}": value for n, value in enumerate(assigned.values())},
                ":n": {"N": str(number)},
                ":at": {"S": at},
            },
        }
        try:
            return self._table.update_once(self._failures, sort_key, **expression)
        except AwsError:
            return None

    # Reading the log by time

    def list_records(
        self,
        start: LogPosition | None = None,
        kinds: Collection[RecordKind] = tuple(RecordKind),
        *,
        oldest_first: bool = False,
        user_ids: Collection[str] = (),
    ) -> Iterator[tuple[LogPosition, LogRecord]]:
        """Yield the records of these kinds after ``start``, each with its position, the newest first.

        They are read in batches, as the caller consumes them. ``user_ids`` restricts the changes to those of these
        users.
        """
        reader = LogReader(
            self._table, self._tenant_id, self._now, start, oldest_first=oldest_first, provider=self._provider
        )
        return reader.read(kinds, user_ids)

    def get_last_mass_deactivation(self) -> MassDeactivation | None:
        """Return the last alert about a mass deactivation, ``None`` if there was none."""
        return read_last_alert(self._table, self._tenant_id)

    # Searching failures

    def find_failures(self, identifiers: Sequence[str]) -> FailureSearchResult:
        """Return the failures of requests that contain one of the identifiers. The first 200 identifiers are searched.

        A failure is stored under the first identifier of its request, or under the empty one. All failures that are
        stored under one of the identifiers are returned, but only the newest 500 of the empty one. Other failures that
        contain one of the identifiers are searched among the newest failures, as in :meth:`find_failures_by_name`.
        """
        searched = identifiers[:_MAX_IDENTIFIERS]
        is_complete = len(searched) == len(identifiers)
        sort_keys: dict[str, None] = {}
        for identifier in searched:
            stored, is_all = self._find_by_identifier(identifier)
            sort_keys |= dict.fromkeys(stored)
            is_complete = is_complete and is_all
        if hashes := {hash_identifier(identifier) for identifier in searched if identifier}:
            newest, is_all = self._search_newest(lambda item: not hashes.isdisjoint(log_codec.get_hashes(item)))
            sort_keys |= dict.fromkeys(newest)
            is_complete = is_complete and is_all
        return FailureSearchResult(self._read_failures(list(sort_keys)), is_complete)

    def find_failures_by_name(self, name_hash: str, text: str) -> FailureSearchResult:
        """Return the newest failures that have the hash of a name, or whose identifier contains ``text``.

        The search stops after a number of calls, or after a share of the remaining time.
        """

        def has_name(item: Item) -> bool:
            return name_hash in log_codec.get_hashes(item) or text in keys.parse_failure_identifier(item["sk"]["S"])

        newest, is_complete = self._search_newest(has_name)
        return FailureSearchResult(self._read_failures(newest), is_complete)

    def _find_by_identifier(self, identifier: str) -> tuple[list[str], bool]:
        """Return the sort keys of the failures that are stored under an identifier, and whether these are all.

        Only the empty identifier can have more than 500 failures, because requests without an identifier can be about
        any number of people. The newest are returned then.
        """
        key_range = keys.failure_range(identifier)
        query = self._table.query(self._failures, key_range, ("sk",), limit=_BATCH_SIZE)
        sort_keys = [item["sk"]["S"] for item in islice(query, _MAX_MATCHES + 1)]
        if len(sort_keys) <= _MAX_MATCHES:
            return sort_keys, True
        newest, _ = self._search_newest(lambda item: key_range.first <= item["sk"]["S"] <= key_range.last)
        return newest, False

    def _search_newest(self, matches: Callable[[Item], bool]) -> tuple[list[str], bool]:
        """Return the sort keys of the newest failures that match, and whether all failures were searched.

        Failures are selected here and not by DynamoDB: a filter expression has at most 4 KB and 300 operators, which is
        too little for the identifiers of many people. DynamoDB would read and bill the same number of items.
        """
        table = self._table.with_deadline(self._table.deadline.with_share(_SEARCH_SHARE))
        attributes = ("sk", log_codec.HASHES)
        pages = table.query_pages(
            self._failures, keys.FAILURE_RANGE, attributes, index_name=TIME_INDEX, is_backwards=True
        )
        matching: list[str] = []
        try:
            for number, (page, has_more) in enumerate(pages, 1):
                matched = [item["sk"]["S"] for item in page if keys.is_failure_key(item["sk"]["S"]) and matches(item)]
                matching += matched[: _MAX_MATCHES - len(matching)]
                if len(matching) == _MAX_MATCHES or (has_more and number == _MAX_CALLS):
                    return matching, False
        except Unavailable:
            return matching, False
        return matching, True

    def _read_failures(self, sort_keys: list[str]) -> list[FailureCount]:
        stored_items = self._table.get_all(self._failures, sort_keys)
        return [log_codec.decode_failure(item, self._provider) for item in stored_items if not self._has_expired(item)]

    def list_failed_request_keys(self, request_id: str) -> list[str]:
        """Return the sort keys of the first records of a failed request, with one call."""
        stored_items = self._table.get_all(self._failures, [failed_request_key(request_id)])
        return [
            sort_key for item in stored_items if not self._has_expired(item) for sort_key in list_failure_keys(item)
        ]

    # Reading the records of users and days

    def list_changes(self, resource_id: str) -> Iterator[StoredChange]:
        """Yield the changes of a user, the newest first."""
        stored_items = self._table.query(
            self._users, keys.change_range(resource_id), is_backwards=True, limit=_BATCH_SIZE
        )
        yield from map(log_codec.decode_change, stored_items)

    def find_previous_owner_ids(self, identifier_hash: str) -> Iterator[str]:
        """Yield the ids of the users who had the identifier with this hash before. Read all changes to find them.

        Raise :class:`scim.protocol.errors.Unavailable` if this takes more than a share of the remaining time.
        """
        table = self._table.with_deadline(self._table.deadline.with_share(_SEARCH_SHARE))
        stored_items = table.query(
            self._users, keys.change_range(), ("sk",), contains=(log_codec.HASHES, identifier_hash)
        )
        for resource_id, _ in groupby(stored_items, lambda item: keys.parse_changed_user_id(item["sk"]["S"])):
            yield resource_id

    def get_user_names(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the user names of the users with these ids that exist, by id."""
        sort_keys = [keys.user_key(user_id) for user_id in dict.fromkeys(ids) if keys.is_user_id(user_id)]
        users = map(items.decode_document, self._table.get_all(self._users, sort_keys, items.DOCUMENT_ATTRIBUTES))
        return {user.id: user.resource["userName"] for user in users}

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests with a rejected token since a time (RFC 3339), one for each minute."""
        return self._read_rejected_tokens(keys.rejected_tokens_key, since)

    def list_malformed_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests with a malformed token since a time (RFC 3339), one for each minute."""
        return self._read_rejected_tokens(keys.malformed_tokens_key, since)

    def _read_rejected_tokens(self, build_key: Callable[[str], str], since: str) -> list[RejectedTokenCount]:
        stored_items = self._table.query(self._failures, KeyRange(build_key(since[:16]), build_key(":")))
        return [log_codec.decode_rejected_tokens(item) for item in stored_items if not self._has_expired(item)]

    def get_daily_failures(self, first_day: str, last_day: str) -> dict[str, DailyFailures]:
        """Return the counts of each day (UTC) with failures, by day and in order. Both days are included."""
        stored_items = self._table.query(self._failures, keys.daily_failures_range(first_day, last_day))
        return {keys.parse_day(item["sk"]["S"]): daily_failures.decode(item) for item in stored_items}

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count the changes from one day (UTC) to another, inclusive, with the index. Stop at ``limit``.

        Return the number, and whether there can be more.
        """
        days = keys.time_range(keys.CHANGE_PREFIX, first_day, last_day)
        pages = list(self._table.query_counts(self._users, days, index_name=TIME_INDEX, limit=limit))
        return sum(number for number, _ in pages), any(following is not None for _, following in pages[-1:])

    def _compute_expiry(self) -> int:
        return int(self._now()) + _EXPIRY_S

    def _has_expired(self, item: Item) -> bool:
        return items.has_expired(item, self._now())
