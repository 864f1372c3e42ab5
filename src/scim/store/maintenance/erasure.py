"""Find and delete the traces of a person: the adapter for :class:`scim.service.maintenance.ports.ErasureStore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.change_record import ChangeRecord, Operation
from scim.service.model.identifiers import hash_identifier
from scim.service.model.maintenance.erasure import UserTrace
from scim.store import items, keys, log_codec
from scim.store.keys import KeyRange
from scim.store.maintenance.keys import BOOKMARK_RANGE, parse_change_version
from scim.store.maintenance.partitions import read_pages
from scim.store.requests.failed_requests import FAILURES, list_failure_keys
from scim.store.requests.keys import FAILED_REQUEST_RANGE
from scim.store.table import Item, Table
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, TransactionRole, commit

_MAX_REFERRERS = 1_000
"""The maximum number of referrers of an identifier that are listed."""


@dataclass(frozen=True, slots=True)
class DynamoDBErasureStore:
    """The records of one tenant that can name a person.

    ``change_expiry`` returns when a change record that is written now expires, in seconds since 1970 (``None``: never).
    ``now`` returns the seconds since 1970. ``new_id`` returns a new random UUID.
    """

    table: Table
    tenant_id: str
    change_expiry: Callable[[], int | None]
    now: Callable[[], float]
    new_id: Callable[[], str]

    def find_user_ids(self, person: str) -> Sequence[str]:
        """Return the ids of the users who have change records, and this id, or had this identifier.

        An id is looked up. For any other identifier, all change records are read.
        """
        if keys.is_user_id(person):
            return [person] if any(self._read(self._changes(person), ("sk",))) else []
        searched = hash_identifier(person)
        ids: dict[str, None] = {}
        attributes = ("sk", log_codec.HASHES, "userName", "externalId")
        for item in self._read(keys.change_range(), attributes):
            if searched in _find_hashes(item):
                ids[keys.parse_changed_user_id(item["sk"]["S"])] = None
        return list(ids)

    def read_trace(self, user_id: str) -> UserTrace:
        """Return what the change records say about a user. There is at least one."""
        records = list(self._read(self._changes(user_id)))
        last = records[-1]
        operation = last["operation"]["S"]
        return UserTrace(
            user_id,
            last_sequence=max(parse_change_version(last["sk"]["S"]), self.table.version_floor),
            # DynamoDB deletes expired records in no particular order, so that of the deletion may be the first.
            is_deleted=operation in (Operation.DELETE, Operation.ERASE) or items.has_expired(last, self.now()),
            is_erased=operation == Operation.ERASE,
            identifiers=frozenset(value for record in records for value in _list_identifiers(record)),
            hashes=frozenset([hash_identifier(user_id)]).union(*map(_find_hashes, records)),
            removed_reference_hashes=frozenset(
                value for record in records for value in record.get("dropped", {}).get("SS", ())
            ),
        )

    def list_referrers(self, hashes: Collection[str]) -> Sequence[str]:
        """Return the ids of the users who refer to an identifier with one of the hashes, at most 1,000 for each."""
        partition_key = keys.reference_index_partition(self.tenant_id)
        ids: dict[str, None] = {}
        for identifier_hash in sorted(hashes):
            entries = self.table.query(
                partition_key, keys.referrer_range(identifier_hash), ("sk",), limit=_MAX_REFERRERS
            )
            ids |= dict.fromkeys(keys.parse_referrer_id(item["sk"]["S"]) for item in entries)
        return list(ids)

    def delete_failures(self, hashes: Collection[str], is_about_user: Callable[[str], bool]) -> int:
        """Delete the failure records of requests that contain an identifier with one of the hashes. Return how many.

        A record stays if ``is_about_user`` returns true for the identifier under which it is stored. The records that
        lead from the ids of the requests to these failures are deleted first, so that an interruption leaves none.
        """
        searched = frozenset(hashes)
        partition_key = keys.failure_partition(self.tenant_id)
        attributes = ("pk", "sk", log_codec.HASHES)

        def is_about_person(item: Item) -> bool:
            identifier = keys.parse_failure_identifier(item["sk"]["S"])
            is_found = hash_identifier(identifier) in searched or not searched.isdisjoint(log_codec.get_hashes(item))
            return is_found and not is_about_user(identifier)

        failures = [
            item
            for page in read_pages(self.table, partition_key, keys.FAILURE_RANGE, attributes)
            for item in filter(is_about_person, page)
        ]
        failure_keys = {item["sk"]["S"] for item in failures}

        def leads_to_person(item: Item) -> bool:
            return not failure_keys.isdisjoint(list_failure_keys(item))

        for page in read_pages(self.table, partition_key, FAILED_REQUEST_RANGE, ("pk", "sk", FAILURES)):
            self._delete(filter(leads_to_person, page))
        return self._delete(failures)

    def delete_bookmarks(self, user_ids: Collection[str]) -> int:
        """Delete the bookmarks that contain one of the ids, and those of release 0.2, which contain names.

        Return how many.
        """
        partition_key = keys.paging_partition(self.tenant_id)

        def is_about_person(item: Item) -> bool:
            return "starts" not in item or any(user_id in item["starts"]["S"] for user_id in user_ids)

        return sum(
            self._delete(filter(is_about_person, page))
            for page in read_pages(self.table, partition_key, BOOKMARK_RANGE, ("pk", "sk", "starts"))
        )

    def delete_references(self, user_id: str, identifier_hashes: Collection[str]) -> int:
        """Delete the entries of the reference index for the references of a deleted user. Return how many."""
        partition_key = keys.reference_index_partition(self.tenant_id)
        sort_keys = [keys.referrer_key(identifier_hash, user_id) for identifier_hash in identifier_hashes]
        return self._delete(self.table.get_all(partition_key, sort_keys, ("pk", "sk")))

    def write_erasure(self, user_id: str, sequence: int, change: ChangeRecord, event: AuditEvent) -> None:
        """Add the last change record of a user and an audit event, in one transaction.

        Raise :class:`scim.store.transactions.ConditionFailed` if the user exists, or was erased at the same time.
        """
        partition_key = keys.resource_partition(self.tenant_id)
        sort_key = keys.change_record_key(user_id, sequence)
        own_hash = [hash_identifier(user_id)]  # the audit log finds the record by it
        record = items.encode_change(partition_key, sort_key, self.new_id(), self.change_expiry(), change, own_hash)
        user_key = keys.primary_key(partition_key, keys.user_key(user_id))
        actions = [
            Action.check(TransactionRole.RESOURCE, user_key, NOT_EXISTS_CONDITION),
            Action.put(TransactionRole.CHANGE, record, NOT_EXISTS_CONDITION),
        ]
        self._commit(actions, event)

    def write_audit_event(self, event: AuditEvent) -> None:
        """Add an audit event."""
        self._commit([], event)

    def delete_change_records(self, user_id: str) -> int:
        """Delete the change records of a user, except that of the erasure. Return how many."""
        attributes = ("pk", "sk", "operation")
        records = self._read(self._changes(user_id), attributes)
        return self._delete(record for record in records if record["operation"]["S"] != Operation.ERASE)

    def _changes(self, user_id: str) -> KeyRange:
        return keys.change_range(user_id)

    def _read(self, key_range: KeyRange, attributes: Sequence[str] = ()) -> Iterator[Item]:
        for page in read_pages(self.table, keys.resource_partition(self.tenant_id), key_range, attributes):
            yield from page

    def _delete(self, traces: Iterable[Item]) -> int:
        deleted = [{"pk": item["pk"], "sk": item["sk"]} for item in traces]
        self.table.write_all(delete=deleted)
        return len(deleted)

    def _commit(self, actions: Sequence[Action], event: AuditEvent) -> None:
        partition_key = keys.settings_partition(self.tenant_id)
        record = items.encode_audit_event(partition_key, keys.audit_event_key(event.at, event.id), event)
        commit(self.table, actions, record, self.new_id(), self.new_id)


def _list_identifiers(record: Item) -> Iterator[str]:
    """Yield the user name and the external id in a change record."""
    for name in ("userName", "externalId"):
        if value := record.get(name, {}).get("S"):
            yield value


def _find_hashes(record: Item) -> frozenset[str]:
    """Return the hashes of the identifiers in a change record."""
    return frozenset([*log_codec.get_hashes(record), *map(hash_identifier, _list_identifiers(record))])
