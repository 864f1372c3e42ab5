"""The records of failures and rejected tokens, and the audit log."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from scim.protocol.errors import Unavailable
from scim.protocol.schema import load_user_type
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.audit.failure import DailyFailures, Failure, FailureCount, FailureKind
from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind, RejectedTokenCount
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange
from scim.service.model.identifiers import hash_identifier, hash_name
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.settings import Settings
from scim.store import keys, log_codec
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.scim_api import build_scim_api_adapters
from tests.service.audit.test_explanations import FAILURE
from tests.service.fakes import Clock, build_user, new_id
from tests.tokens import raise_fault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_S = 86_400
OpenLog = Callable[..., DynamoDBAuditLogStore]


@pytest.fixture
def open_log(settings: Settings) -> OpenLog:
    """Return a function that opens the log of a tenant."""
    adapters = build_scim_api_adapters(settings, raise_fault)

    def open_log(tenant: str = "acme", *, ago_days: float = 0) -> DynamoDBAuditLogStore:
        """Open the log ``ago_days`` ago. Its records expire that much earlier."""
        return DynamoDBAuditLogStore(
            adapters.open_table(runtime.create_deadline(29)), tenant, lambda: time.time() - ago_days * DAY_S
        )

    return open_log


@pytest.fixture
def write_change(settings: Settings) -> Callable[..., None]:
    """Return a function that writes a change of a user."""
    adapters = build_scim_api_adapters(settings, raise_fault)

    def write_change(before: StoredResource | None, after: StoredResource | None, at: str) -> None:
        operation = Operation.CREATE if before is None else Operation.PATCH if after else Operation.DELETE
        name = (after or before or build_user()).resource["userName"]
        about = ("User", name, None, after is not None)
        change = ChangeRecord(
            at, operation, ["title"], Participation.UNCHANGED, "scim", "request-1", [], *about, ignored=["mail"]
        )
        adapters.build_resource_store(
            adapters.open_table(runtime.create_deadline(29)), Tenant("acme"), load_user_type()
        ).write(before, after, change)

    return write_change


def format_time(minute: int, day: int = 31) -> str:
    return f"2026-01-{day:02}T09:{minute:02}:00.000Z"


def build_failure(minute: int, name: str = "ada", **changes: object) -> Failure:
    default = replace(
        FAILURE, at=format_time(minute), identifier=name, identifier_hashes=frozenset({hash_identifier(name)})
    )
    return replace(default, **changes)  # type: ignore[arg-type]  # fields


def list_failures(records: DynamoDBAuditLogStore, *names: str) -> list[FailureCount]:
    return list(records.find_failures(names).failures)


def list_log(
    records: DynamoDBAuditLogStore, before: LogPosition | None = None, kinds: Collection[RecordKind] = tuple(RecordKind)
) -> list[LogRecord]:
    return [record for _, record in records.list_records(before, kinds)]


class TestFailures:
    def test_failure_is_read_as_written(self, open_log: OpenLog) -> None:
        first = build_failure(1, ignored=["mail"], rejected_leniency="path-as-key", provider=IdentityProvider.ENTRA)

        counted = open_log().record_failure(first)

        assert counted == FailureCount(first, format_time(1), 1, {"2026-01-31": 1})
        assert list_failures(open_log(), "ADA") == [counted]

    def test_repeated_failure_is_counted(self, open_log: OpenLog) -> None:
        store = open_log()
        for minute in (1, 2, 3):
            store.record_failure(build_failure(minute, request_id=f"request-{minute}"))
        store.record_failure(build_failure(4, at=format_time(4, day=30)))

        (counted,) = list_failures(store, "ada")

        assert (counted.count, counted.first_at, counted.counts_by_day) == (
            4,
            format_time(1),
            {"2026-01-31": 3, "2026-01-30": 1},
        )
        assert counted.failure.request_id == "1"

    @pytest.mark.parametrize("changes", [{"operation": "patch"}, {"rule": "required"}, {"identifier": "bob"}])
    def test_identifier_operation_and_rule_identify_failure(self, open_log: OpenLog, changes: dict[str, str]) -> None:
        open_log().record_failure(build_failure(1))
        open_log().record_failure(build_failure(2, **changes))
        assert len(list_log(open_log())) == 2

    def test_identifier_is_case_insensitive(self, open_log: OpenLog) -> None:
        open_log().record_failure(build_failure(1, "Ada"))
        assert open_log().record_failure(build_failure(2, "ADA")) == FailureCount(
            build_failure(2, "ADA"), format_time(1), 2, {"2026-01-31": 2}
        )

    def test_failure_without_identifier_is_counted(self, open_log: OpenLog) -> None:
        unidentified = build_failure(1, "", identifier_hashes=frozenset())
        open_log().record_failure(unidentified)
        counted = open_log().record_failure(unidentified)
        assert counted is not None
        assert counted.count == 2

    @pytest.mark.parametrize("name", ["a#b", "x" * 5_000, "ß" * 900, "%23", "\u0130"])
    def test_any_identifier_fits_into_a_key(self, open_log: OpenLog, name: str) -> None:
        open_log().record_failure(build_failure(1, name))
        (counted,) = list_failures(open_log(), name)
        assert counted.failure.identifier == name

    def test_failures_expire_after_30_days(self, open_log: OpenLog) -> None:
        open_log(ago_days=29.9).record_failure(build_failure(1))
        open_log(ago_days=30.1).record_failure(build_failure(2, "bob"))
        open_log(ago_days=30.1).count_rejected_tokens(format_time(3), 1, "token")

        assert [counted.failure.identifier for counted in list_failures(open_log(), "ada", "bob")] == ["ada"]
        assert len(list_log(open_log())) == 1
        assert open_log().list_rejected_tokens(format_time(0)) == []

    def test_repeated_failure_expires_later(self, open_log: OpenLog) -> None:
        open_log(ago_days=29).record_failure(build_failure(1))
        open_log(ago_days=1).record_failure(build_failure(2))
        (counted,) = list_failures(open_log(), "ada")
        assert counted.count == 2

    def test_unavailable_table_raises_nothing(self, settings: Settings) -> None:
        adapters = build_scim_api_adapters(settings.replace(table_name="no-table"), raise_fault)
        store = DynamoDBAuditLogStore(adapters.open_table(runtime.create_deadline(29)), "acme", time.time)
        assert store.record_failure(build_failure(1)) is None
        assert store.count_rejected_tokens(format_time(1), 1, "token") is False

    def test_tenants_are_isolated(self, open_log: OpenLog) -> None:
        open_log("acme").record_failure(build_failure(1))
        assert list_log(open_log("umbrella")) == []
        assert list_failures(open_log("umbrella"), "ada") == []


class TestRejectedTokens:
    def test_rejected_tokens_are_counted_by_minute(self, open_log: OpenLog) -> None:
        store = open_log()
        for seconds, number in ((0, 1), (30, 4), (61, 2)):
            store.count_rejected_tokens(f"2026-01-31T09:{30 + seconds // 60}:{seconds % 60:02}.000Z", number, "token")

        assert store.list_rejected_tokens(format_time(0)) == [
            RejectedTokenCount("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:30.000Z", 5, "token"),
            RejectedTokenCount("2026-01-31T09:31:01.000Z", "2026-01-31T09:31:01.000Z", 2, "token"),
        ]
        assert store.list_rejected_tokens("2026-01-31T09:31:59.000Z") == store.list_rejected_tokens(format_time(0))[1:]


@dataclass
class EndlessTable:
    """A client of a table without an end. Each page takes 10 s."""

    clock: Clock

    def query(self, **_: object) -> dict[str, Any]:
        self.clock.sleep(10)
        sort = {"S": f"C#{self.clock.left_s}#2"}
        return {"Items": [{"sk": sort}], "LastEvaluatedKey": {"pk": {"S": "T#acme"}, "sk": sort, "time": sort}}


class TestLog:
    def test_log_has_newest_record_first(self, open_log: OpenLog, write_change: Callable[..., None]) -> None:
        ada = build_user("ada")
        write_change(None, ada, format_time(1))
        open_log().record_failure(build_failure(2))
        write_change(ada, replace(ada, version=2), format_time(3))
        open_log().count_rejected_tokens(format_time(4), 1, "token")
        open_log().record_failure(build_failure(5, "bob"))

        records = list_log(open_log())

        assert [type(record) for record in records] == [
            FailureCount,
            RejectedTokenCount,
            StoredChange,
            FailureCount,
            StoredChange,
        ]
        assert [type(record) for record in list_log(open_log(), kinds=[RecordKind.FAILURE])] == [
            FailureCount,
            RejectedTokenCount,
            FailureCount,
        ]
        change = records[2]
        assert isinstance(change, StoredChange)
        assert (change.resource_id, change.change.operation, change.change.ignored) == (ada.id, "patch", ["mail"])

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
    def test_pages_contain_whole_log(self, open_log: OpenLog, write_change: Callable[..., None], size: int) -> None:
        """Many records have the same time."""
        for minute in range(1, 13):
            write_change(None, build_user(f"user-{minute}"), format_time(minute // 4))
            open_log().record_failure(build_failure(minute // 4, f"person-{minute}"))
        pages: list[LogRecord] = []
        position: LogPosition | None = None
        while page := list(islice(open_log().list_records(position), size)):
            pages += [record for _, record in page]
            position = page[-1][0]

        assert len(pages) == 24
        assert pages == list_log(open_log())

    def test_log_has_no_users(self, open_log: OpenLog, write_change: Callable[..., None]) -> None:
        write_change(None, build_user("ada"), format_time(1))
        assert len(list_log(open_log())) == 1

    def test_changes_are_listed_newest_first(self, open_log: OpenLog, write_change: Callable[..., None]) -> None:
        ada, bob = build_user("ada"), build_user("bob")
        for created in (ada, bob):
            write_change(None, created, format_time(1))
        write_change(ada, None, format_time(2))

        assert [stored.change.operation for stored in open_log().list_changes(ada.id)] == ["delete", "create"]
        assert list(open_log().list_changes("no-id")) == []

    def test_previous_owner_is_found(self, open_log: OpenLog, write_change: Callable[..., None]) -> None:
        ada = build_user("ada", externalId="e", emails=[{"value": "ada@example.com"}])
        write_change(None, ada, format_time(1))
        assert list(open_log().find_previous_owner_ids(hash_identifier("ada"))) == []

        write_change(ada, None, format_time(2))

        owners = [
            list(open_log().find_previous_owner_ids(hash_identifier(value)))
            for value in ("ADA", "e", "ada@example.com", ada.id, "bob")
        ]
        assert owners == [[ada.id], [ada.id], [ada.id], [ada.id], []]

    def test_search_for_previous_owners_ends_in_time(self) -> None:
        clock = Clock(60.0)
        owners: list[str] = []
        calls = Table(cast("DynamoDBClient", EndlessTable(clock)), "table", clock.deadline)
        search = DynamoDBAuditLogStore(calls, "acme", time.time).find_previous_owner_ids(hash_identifier("ada"))

        with pytest.raises(Unavailable):
            owners.extend(search)

        assert (owners, clock.left_s) == (["50.0", "40.0", "30.0"], 30.0)

    def test_user_names_are_those_of_existing_users(self, open_log: OpenLog, write_change: Callable[..., None]) -> None:
        ada, bob = build_user("ada"), build_user("bob")
        write_change(None, ada, format_time(1))
        assert open_log().get_user_names([ada.id, bob.id, ada.id, "no-id"]) == {ada.id: "ada"}
        assert open_log("umbrella").get_user_names([ada.id]) == {}


@pytest.fixture
def write_audit_event(settings: Settings) -> Callable[[str, int], AuditEvent]:
    """Return a function that writes an audit event of a tenant."""
    store = DynamoDBTenantStore(
        build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29)), new_id
    )

    def write_audit_event(tenant: str, minute: int) -> AuditEvent:
        before = store.get(tenant)
        event = AuditEvent(new_id(), format_time(minute), AuditAction.CONFIGURE, "operator", {"strict": "on"})
        store.write(before, Tenant(tenant, version=before.version + 1 if before else 1), event)
        return event

    return write_audit_event


class TestAuditEvents:
    def test_log_has_audit_events_by_time(
        self, open_log: OpenLog, write_change: Callable[..., None], write_audit_event: Callable[[str, int], AuditEvent]
    ) -> None:
        events = [write_audit_event("acme", minute) for minute in (1, 3, 3, 5)]
        write_audit_event("umbrella", 2)
        write_change(None, build_user("ada"), format_time(2))
        open_log().record_failure(build_failure(4))

        records = list_log(open_log())

        assert [type(record) for record in records] == [
            AuditEvent,
            FailureCount,
            AuditEvent,
            AuditEvent,
            StoredChange,
            AuditEvent,
        ]
        assert (records[0], records[-1], set(map(repr, records[2:4]))) == (
            events[3],
            events[0],
            set(map(repr, events[1:3])),
        )
        assert list_log(open_log(), kinds=[RecordKind.AUDIT_EVENT]) == [records[0], *records[2:4], records[5]]
        assert list_log(open_log(), kinds=[RecordKind.CHANGE]) == [records[4]]
        assert list_log(open_log(), kinds=[RecordKind.FAILURE]) == [records[1]]

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_pages_with_audit_events_contain_whole_log(
        self,
        open_log: OpenLog,
        write_change: Callable[..., None],
        write_audit_event: Callable[[str, int], AuditEvent],
        size: int,
    ) -> None:
        for minute in (1, 1, 1, 2, 2):
            write_audit_event("acme", minute)
            write_change(None, build_user(new_id()), format_time(minute))
            open_log().record_failure(build_failure(minute, new_id()))
        pages: list[LogRecord] = []
        position: LogPosition | None = None
        while page := list(islice(open_log().list_records(position), size)):
            pages += [record for _, record in page]
            position = page[-1][0]

        assert len(pages) == 15
        assert pages == list_log(open_log())


class TestDailyCounts:
    def test_daily_counts(self, open_log: OpenLog) -> None:
        store, yesterday = open_log(), format_time(1, day=30)
        store.add_to_day(
            format_time(1), {FailureKind.CREATE: 2, FailureKind.REPEATING: 1, FailureKind.WRONG_SCIM_URL: 1}, None
        )
        store.add_to_day(format_time(2), {FailureKind.CREATE: 1, FailureKind.NO_OP: 4}, IdentityProvider.ENTRA)
        store.add_to_day(yesterday, {FailureKind.OTHER_REQUEST: 1}, None)
        store.count_rejected_tokens(format_time(3), 5, "token", IdentityProvider.OKTA)

        assert store.get_daily_failures("2026-01-30", "2026-01-31") == {
            "2026-01-30": DailyFailures({FailureKind.OTHER_REQUEST: 1}),
            "2026-01-31": DailyFailures(
                {
                    FailureKind.CREATE: 3,
                    FailureKind.NO_OP: 4,
                    FailureKind.REPEATING: 1,
                    FailureKind.WRONG_SCIM_URL: 1,
                    FailureKind.REJECTED_TOKEN: 5,
                },
                IdentityProvider.OKTA,
                format_time(3),
                format_time(1),
            ),
        }
        assert store.get_daily_failures("2026-01-29", "2026-01-29") == {}
        assert list_log(store) == [RejectedTokenCount(format_time(3), format_time(3), 5, "token")]

    def test_daily_counts_belong_to_one_tenant(self, open_log: OpenLog) -> None:
        open_log("acme").add_to_day(format_time(1), {FailureKind.CREATE: 1}, None)
        assert open_log("umbrella").get_daily_failures("2026-01-31", "2026-01-31") == {}

    @pytest.mark.parametrize(
        ("first", "last", "limit", "expected"),
        [
            (28, 28, 9, (0, False)),
            (29, 29, 9, (1, False)),
            (29, 31, 9, (4, False)),
            (29, 31, 3, (3, True)),
            (30, 31, 2, (2, True)),
        ],
    )
    def test_count_of_changes_is_limited(
        self,
        open_log: OpenLog,
        write_change: Callable[..., None],
        first: int,
        last: int,
        limit: int,
        expected: tuple[int, bool],
    ) -> None:
        for day in (29, 30, 30, 31):
            write_change(None, build_user(f"user-{day}-{new_id()}"), format_time(1, day=day))
        assert open_log().count_changes(f"2026-01-{first}", f"2026-01-{last}", limit) == expected


def build_long_name(number: int) -> str:
    """Return a long name. Few of them fill the 1 MB of a call."""
    return f"person-{number:06}@{'x' * 700}.example.com"


def write_failures(settings: Settings, number: int, tenant: str = "acme", ttl: float = DAY_S) -> None:
    """Write a number of failures of different users, in the format of the store. The last one is the newest."""
    content = log_codec.encode_failure(build_failure(1))["failure"]["S"]
    table = boto3.resource("dynamodb").Table(settings.table_name)
    with table.batch_writer() as batch:
        for index in range(number):
            name, instant = build_long_name(index), f"2026-01-31T09:{index // 1_000:02}:00.{index % 1_000:03}Z"
            batch.put_item(
                Item={
                    "pk": keys.failure_partition(tenant),
                    "sk": keys.failure_key(name, "0" * 16),
                    "failure": content.replace('"ada"', f'"{name}"'),
                    "operation": "create",
                    "handles": {
                        hash_identifier(name),
                        hash_identifier(f"e-{index}"),
                        hash_identifier(f"id-{index}"),
                        hash_name(f"name-{index}"),
                    },
                    "first": instant,
                    "last": instant,
                    "count": 1,
                    "day#2026-01-31": 1,
                    "time": keys.time_key("F#", instant),
                    "ttl": int(time.time() + ttl),
                }
            )


class TestManyFailures:
    def test_search_of_many_failures_is_limited(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        """Failures under the identifier itself are always found. Others are found by hash among the newest failures."""
        write_failures(settings, 1_500)
        monkeypatch.setattr("scim.store.audit_log._MAX_CALLS", 1)
        calls = build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29))
        store = DynamoDBAuditLogStore(calls, "acme", time.time)

        newest = store.find_failures(["e-1499"])
        oldest = store.find_failures(["e-0"])
        by_key = store.find_failures([build_long_name(0).upper()])
        by_name = store.find_failures_by_name(hash_name("name-1499"), "name-1499")
        by_prefix = store.find_failures_by_name(hash_name("person-00149"), "person-00149")

        assert [result.failure.identifier for result in newest.failures] == [build_long_name(1499)]
        assert (oldest.failures, oldest.is_complete) == ([], False)
        assert [result.failure.identifier for result in by_key.failures] == [build_long_name(0)]
        assert [result.failure.identifier for result in by_name.failures] == [build_long_name(1499)]
        assert len(by_prefix.failures) == 10
        assert calls.calls <= 7

    def test_search_takes_two_hundred_identifiers(self, open_log: OpenLog) -> None:
        for number in (0, 1):
            hashes = frozenset({hash_identifier(f"person-{199 + number}")})
            open_log().record_failure(build_failure(number, f"other-{number}", identifier_hashes=hashes))
        identifiers = [f"person-{number}" for number in range(201)]

        searches = [open_log().find_failures(identifiers[first:]) for first in (0, 1)]

        assert [sorted(count.failure.identifier for count in search.failures) for search in searches] == [
            ["other-0"],
            ["other-0", "other-1"],
        ]
        assert [search.is_complete for search in searches] == [False, True]

    def test_search_of_few_failures_is_complete(self, open_log: OpenLog) -> None:
        open_log().record_failure(
            build_failure(1, "bob", identifier_hashes=frozenset({hash_identifier("bob"), hash_identifier("e-1")}))
        )
        search = open_log().find_failures(["e-1"])
        assert ([result.failure.identifier for result in search.failures], search.is_complete) == (["bob"], True)

    def test_search_without_time_is_incomplete(self) -> None:
        clock = Clock(60.0)
        calls = Table(cast("DynamoDBClient", EndlessTable(clock)), "table", clock.deadline)

        search = DynamoDBAuditLogStore(calls, "acme", time.time).find_failures_by_name("x", "x")

        assert (search.failures, search.is_complete, clock.left_s) == ([], False, 30.0)

    def test_log_ends_at_expired_records(self, open_log: OpenLog, settings: Settings) -> None:
        """DynamoDB may keep expired records for days. The log stops at the first ones instead of reading all."""
        write_failures(settings, 450, ttl=-DAY_S)
        open_log().record_failure(build_failure(2, "ada"))
        calls = build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29))

        assert len(list_log(DynamoDBAuditLogStore(calls, "acme", time.time), kinds=[RecordKind.FAILURE])) == 1
        assert calls.calls <= 7

    def test_newest_failures_without_identifier_are_read(
        self, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Their keys end in a digest, not in the time, so they are not in the order of time."""
        monkeypatch.setattr("scim.store.audit_log._MAX_MATCHES", 3)
        for number in range(9):
            open_log().record_failure(
                build_failure(number, "", identifier_hashes=frozenset({hash_identifier(f"name-{number}")}))
            )

        search = open_log().find_failures([""])

        assert sorted(result.failure.at for result in search.failures) == [
            format_time(6),
            format_time(7),
            format_time(8),
        ]
        assert not search.is_complete

    def test_empty_identifier_finds_failures_without_identifier(self, open_log: OpenLog) -> None:
        open_log().record_failure(build_failure(1, "", identifier_hashes=frozenset()))
        open_log().record_failure(build_failure(2, "ada"))
        assert [result.failure.at for result in open_log().find_failures([""]).failures] == [format_time(1)]
