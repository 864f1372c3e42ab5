"""Records of failures and refused tokens, and the log of them and of changes."""

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
from tests.service.fakes import Clock, new_id, user
from tests.tokens import raise_fault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_S = 86_400
Records = Callable[..., DynamoDBAuditLogStore]


@pytest.fixture
def records(settings: Settings) -> Records:
    found = build_scim_api_adapters(settings, raise_fault)

    def records(tenant: str = "acme", *, ago_days: float = 0) -> DynamoDBAuditLogStore:
        """As it was some days ago: what is written then expires so much earlier."""
        return DynamoDBAuditLogStore(
            found.open_table(runtime.create_deadline(29)), tenant, lambda: time.time() - ago_days * DAY_S
        )

    return records


@pytest.fixture
def write(settings: Settings) -> Callable[..., None]:
    """Writes a change of a user into the table."""
    found = build_scim_api_adapters(settings, raise_fault)

    def write(before: StoredResource | None, after: StoredResource | None, at: str) -> None:
        operation = Operation.CREATE if before is None else Operation.PATCH if after else Operation.DELETE
        name = (after or before or user()).resource["userName"]
        about = ("User", name, None, after is not None)
        change = ChangeRecord(
            at, operation, ["title"], Participation.UNCHANGED, "scim", "request-1", [], *about, ignored=["mail"]
        )
        found.build_resource_store(
            found.open_table(runtime.create_deadline(29)), Tenant("acme"), load_user_type()
        ).write(before, after, change)

    return write


def at(minute: int, day: int = 31) -> str:
    return f"2026-01-{day:02}T09:{minute:02}:00.000Z"


def failure(minute: int, name: str = "ada", **different: object) -> Failure:
    known = replace(FAILURE, at=at(minute), identifier=name, identifier_hashes=frozenset({hash_identifier(name)}))
    return replace(known, **different)  # type: ignore[arg-type]  # fields


def failures_of(records: DynamoDBAuditLogStore, *names: str) -> list[FailureCount]:
    return list(records.find_failures(names).failures)


def drawn(
    records: DynamoDBAuditLogStore, before: LogPosition | None = None, kinds: Collection[RecordKind] = tuple(RecordKind)
) -> list[LogRecord]:
    return [record for _, record in records.list_records(before, kinds)]


# Counting


def test_failure_is_read_as_written(records: Records) -> None:
    first = failure(1, ignored=["mail"], rejected_leniency="path-as-key", provider=IdentityProvider.ENTRA)

    counted = records().record_failure(first)

    assert counted == FailureCount(first, at(1), 1, {"2026-01-31": 1})
    assert failures_of(records(), "ADA") == [counted]


def test_repeated_failure_is_counted(records: Records) -> None:
    store = records()
    for minute in (1, 2, 3):
        store.record_failure(failure(minute, request_id=f"request-{minute}"))
    store.record_failure(failure(4, at=at(4, day=30)))

    (counted,) = failures_of(store, "ada")

    assert (counted.count, counted.first_at, counted.counts_by_day) == (4, at(1), {"2026-01-31": 3, "2026-01-30": 1})
    assert counted.failure.request_id == "1"


@pytest.mark.parametrize("different", [{"operation": "patch"}, {"rule": "required"}, {"identifier": "bob"}])
def test_person_operation_and_rule_identify_a_failure(records: Records, different: dict[str, str]) -> None:
    records().record_failure(failure(1))
    records().record_failure(failure(2, **different))
    assert len(drawn(records())) == 2


def test_identifier_is_case_insensitive(records: Records) -> None:
    records().record_failure(failure(1, "Ada"))
    assert records().record_failure(failure(2, "ADA")) == FailureCount(failure(2, "ADA"), at(1), 2, {"2026-01-31": 2})


def test_failure_without_identifier_is_counted(records: Records) -> None:
    nobody = failure(1, "", identifier_hashes=frozenset())
    records().record_failure(nobody)
    counted = records().record_failure(nobody)
    assert counted is not None
    assert counted.count == 2


@pytest.mark.parametrize("name", ["a#b", "x" * 5_000, "ß" * 900, "%23", "\u0130"])
def test_any_identifier_can_be_part_of_a_key(records: Records, name: str) -> None:
    records().record_failure(failure(1, name))
    (counted,) = failures_of(records(), name)
    assert counted.failure.identifier == name


def test_failures_expire_after_30_days(records: Records) -> None:
    records(ago_days=29.9).record_failure(failure(1))
    records(ago_days=30.1).record_failure(failure(2, "bob"))
    records(ago_days=30.1).count_rejected_tokens(at(3), 1, "token")

    assert [counted.failure.identifier for counted in failures_of(records(), "ada", "bob")] == ["ada"]
    assert len(drawn(records())) == 1
    assert records().list_rejected_tokens(at(0)) == []


def test_repeated_failure_expires_later(records: Records) -> None:
    records(ago_days=29).record_failure(failure(1))
    records(ago_days=1).record_failure(failure(2))
    (counted,) = failures_of(records(), "ada")
    assert counted.count == 2


def test_unavailable_table_raises_nothing(settings: Settings) -> None:
    elsewhere = build_scim_api_adapters(settings.model_copy(update={"table_name": "no-table"}), raise_fault)
    store = DynamoDBAuditLogStore(elsewhere.open_table(runtime.create_deadline(29)), "acme", time.time)
    assert store.record_failure(failure(1)) is None
    assert store.count_rejected_tokens(at(1), 1, "token") is False


def test_tenants_are_isolated(records: Records) -> None:
    records("acme").record_failure(failure(1))
    assert drawn(records("umbrella")) == []
    assert failures_of(records("umbrella"), "ada") == []


# Refused tokens


def test_rejected_tokens_are_counted_by_minute(records: Records) -> None:
    store = records()
    for seconds, number in ((0, 1), (30, 4), (61, 2)):
        store.count_rejected_tokens(f"2026-01-31T09:{30 + seconds // 60}:{seconds % 60:02}.000Z", number, "token")

    assert store.list_rejected_tokens(at(0)) == [
        RejectedTokenCount("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:30.000Z", 5, "token"),
        RejectedTokenCount("2026-01-31T09:31:01.000Z", "2026-01-31T09:31:01.000Z", 2, "token"),
    ]
    assert store.list_rejected_tokens("2026-01-31T09:31:59.000Z") == store.list_rejected_tokens(at(0))[1:]


# The log


def test_log_has_newest_record_first(records: Records, write: Callable[..., None]) -> None:
    ada = user("ada")
    write(None, ada, at(1))
    records().record_failure(failure(2))
    write(ada, replace(ada, version=2), at(3))
    records().count_rejected_tokens(at(4), 1, "token")
    records().record_failure(failure(5, "bob"))

    found = drawn(records())

    assert [type(record) for record in found] == [
        FailureCount,
        RejectedTokenCount,
        StoredChange,
        FailureCount,
        StoredChange,
    ]
    assert [type(record) for record in drawn(records(), kinds=[RecordKind.FAILURE])] == [
        FailureCount,
        RejectedTokenCount,
        FailureCount,
    ]
    change = found[2]
    assert isinstance(change, StoredChange)
    assert (change.resource_id, change.change.operation, change.change.ignored) == (ada.id, "patch", ["mail"])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_make_up_the_log(records: Records, write: Callable[..., None], size: int) -> None:
    """Also where many records have the same time."""
    for minute in range(1, 13):
        write(None, user(f"user-{minute}"), at(minute // 4))
        records().record_failure(failure(minute // 4, f"person-{minute}"))
    pages: list[LogRecord] = []
    place: LogPosition | None = None
    while page := list(islice(records().list_records(place), size)):
        pages += [record for _, record in page]
        place = page[-1][0]

    assert len(pages) == 24
    assert pages == drawn(records())


def test_log_has_no_users(records: Records, write: Callable[..., None]) -> None:
    write(None, user("ada"), at(1))
    assert len(drawn(records())) == 1


def test_changes_have_newest_first(records: Records, write: Callable[..., None]) -> None:
    ada, bob = user("ada"), user("bob")
    for each in (ada, bob):
        write(None, each, at(1))
    write(ada, None, at(2))

    assert [each.change.operation for each in records().list_changes(ada.id)] == ["delete", "create"]
    assert list(records().list_changes("no-id")) == []


def test_previous_owner_is_found(records: Records, write: Callable[..., None]) -> None:
    ada = user("ada", externalId="e", emails=[{"value": "ada@example.com"}])
    write(None, ada, at(1))
    assert list(records().find_previous_owner_ids(hash_identifier("ada"))) == []

    write(ada, None, at(2))

    found = [
        list(records().find_previous_owner_ids(hash_identifier(each)))
        for each in ("ADA", "e", "ada@example.com", ada.id, "bob")
    ]
    assert found == [[ada.id], [ada.id], [ada.id], [ada.id], []]


@dataclass
class Endless:
    """A client whose table has no end: each page takes 10 s."""

    clock: Clock

    def query(self, **_: object) -> dict[str, Any]:
        self.clock.sleep(10)
        sort = {"S": f"C#{self.clock.left_s}#2"}
        return {"Items": [{"sk": sort}], "LastEvaluatedKey": {"pk": {"S": "T#acme"}, "sk": sort, "time": sort}}


def test_search_for_previous_owners_takes_half_the_time() -> None:
    clock = Clock(60.0)
    found: list[str] = []
    calls = Table(cast("DynamoDBClient", Endless(clock)), "table", clock.deadline)
    search = DynamoDBAuditLogStore(calls, "acme", time.time).find_previous_owner_ids(hash_identifier("ada"))

    with pytest.raises(Unavailable):
        found.extend(search)

    assert (found, clock.left_s) == (["50.0", "40.0", "30.0"], 30.0)


def test_user_names_are_those_of_existing_users(records: Records, write: Callable[..., None]) -> None:
    ada, bob = user("ada"), user("bob")
    write(None, ada, at(1))
    assert records().get_user_names([ada.id, bob.id, ada.id, "no-id"]) == {ada.id: "ada"}
    assert records("umbrella").get_user_names([ada.id]) == {}


# What was done with the tenant


@pytest.fixture
def act(settings: Settings) -> Callable[[str, int], AuditEvent]:
    """Writes an act on a tenant, and its settings."""
    store = DynamoDBTenantStore(
        build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29)), new_id
    )

    def act(tenant: str, minute: int) -> AuditEvent:
        before = store.get(tenant)
        done = AuditEvent(new_id(), at(minute), AuditAction.CONFIGURE, "somebody", {"mode": "strict"})
        store.write(before, Tenant(tenant, version=before.version + 1 if before else 1), done)
        return done

    return act


def test_log_has_audit_events_by_time(
    records: Records, write: Callable[..., None], act: Callable[[str, int], AuditEvent]
) -> None:
    acts = [act("acme", minute) for minute in (1, 3, 3, 5)]
    act("umbrella", 2)
    write(None, user("ada"), at(2))
    records().record_failure(failure(4))

    found = drawn(records())

    assert [type(record) for record in found] == [
        AuditEvent,
        FailureCount,
        AuditEvent,
        AuditEvent,
        StoredChange,
        AuditEvent,
    ]
    assert (found[0], found[-1], set(map(repr, found[2:4]))) == (acts[3], acts[0], set(map(repr, acts[1:3])))
    assert drawn(records(), kinds=[RecordKind.AUDIT_EVENT]) == [found[0], *found[2:4], found[5]]
    assert drawn(records(), kinds=[RecordKind.CHANGE]) == [found[4]]
    assert drawn(records(), kinds=[RecordKind.FAILURE]) == [found[1]]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_with_audit_events_make_up_the_log(
    records: Records, write: Callable[..., None], act: Callable[[str, int], AuditEvent], size: int
) -> None:
    for minute in (1, 1, 1, 2, 2):
        act("acme", minute)
        write(None, user(new_id()), at(minute))
        records().record_failure(failure(minute, new_id()))
    pages: list[LogRecord] = []
    place: LogPosition | None = None
    while page := list(islice(records().list_records(place), size)):
        pages += [record for _, record in page]
        place = page[-1][0]

    assert len(pages) == 15
    assert pages == drawn(records())


# How a tenant stands


def test_counts_of_days(records: Records) -> None:
    store, yesterday = records(), at(1, day=30)
    store.add_to_day(at(1), {FailureKind.CREATE: 2, FailureKind.REPEATING: 1, FailureKind.WRONG_SCIM_URL: 1}, None)
    store.add_to_day(at(2), {FailureKind.CREATE: 1, FailureKind.NO_OP: 4}, IdentityProvider.ENTRA)
    store.add_to_day(yesterday, {FailureKind.OTHER_REQUEST: 1}, None)
    store.count_rejected_tokens(at(3), 5, "token", IdentityProvider.OKTA)

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
            at(3),
            at(1),
        ),
    }
    assert store.get_daily_failures("2026-01-29", "2026-01-29") == {}
    assert drawn(store) == [RejectedTokenCount(at(3), at(3), 5, "token")]


def test_counts_of_days_belong_to_one_tenant(records: Records) -> None:
    records("acme").add_to_day(at(1), {FailureKind.CREATE: 1}, None)
    assert records("umbrella").get_daily_failures("2026-01-31", "2026-01-31") == {}


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
def test_changes_are_counted_up_to_a_limit(
    records: Records,
    write: Callable[..., None],
    first: int,
    last: int,
    limit: int,
    expected: tuple[int, bool],
) -> None:
    for day in (29, 30, 30, 31):
        write(None, user(f"user-{day}-{new_id()}"), at(1, day=day))
    assert records().count_changes(f"2026-01-{first}", f"2026-01-{last}", limit) == expected


# Many failures


def person(number: int) -> str:
    """A long name, so that a few of them fill the 1 MB of a call."""
    return f"person-{number:06}@{'x' * 700}.example.com"


def fill(settings: Settings, number: int, tenant: str = "acme", ttl: float = DAY_S) -> None:
    """Write so many failures of different people as the store does, the last person's the newest."""
    known = failure(1)
    said = log_codec.encode_failure(known)["failure"]["S"]
    table = boto3.resource("dynamodb").Table(settings.table_name)
    with table.batch_writer() as batch:
        for each in range(number):
            name, instant = person(each), f"2026-01-31T09:{each // 1_000:02}:00.{each % 1_000:03}Z"
            batch.put_item(
                Item={
                    "pk": keys.failure_partition(tenant),
                    "sk": keys.failure_key(name, "0" * 16),
                    "failure": said.replace('"ada"', f'"{name}"'),
                    "operation": "create",
                    "handles": {
                        hash_identifier(name),
                        hash_identifier(f"e-{each}"),
                        hash_identifier(f"id-{each}"),
                        hash_name(f"name-{each}"),
                    },
                    "first": instant,
                    "last": instant,
                    "count": 1,
                    "day#2026-01-31": 1,
                    "time": keys.time_key("F#", instant),
                    "ttl": int(time.time() + ttl),
                }
            )


def test_search_of_many_failures_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept under the identifier is always found, what has its handle while it is among the newest."""
    fill(settings, 1_500)
    monkeypatch.setattr("scim.store.audit_log._MAX_CALLS", 1)
    calls = build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29))
    store = DynamoDBAuditLogStore(calls, "acme", time.time)

    newest = store.find_failures(["e-1499"])
    oldest = store.find_failures(["e-0"])
    by_key = store.find_failures([person(0).upper()])
    named = store.find_failures_by_name(hash_name("name-1499"), "name-1499")
    partly = store.find_failures_by_name(hash_name("person-00149"), "person-00149")

    assert [each.failure.identifier for each in newest.failures] == [person(1499)]
    assert (oldest.failures, oldest.is_complete) == ([], False)
    assert [each.failure.identifier for each in by_key.failures] == [person(0)]
    assert [each.failure.identifier for each in named.failures] == [person(1499)]
    assert len(partly.failures) == 10
    assert calls.calls <= 7


def test_search_takes_twenty_identifiers(records: Records) -> None:
    for number in (19, 20):
        records().record_failure(failure(number, f"person-{number}"))
    search = records().find_failures([f"person-{number}" for number in range(21)])
    assert ([each.failure.identifier for each in search.failures], search.is_complete) == (["person-19"], False)


def test_search_of_few_failures_is_complete(records: Records) -> None:
    records().record_failure(
        failure(1, "bob", identifier_hashes=frozenset({hash_identifier("bob"), hash_identifier("e-1")}))
    )
    search = records().find_failures(["e-1"])
    assert ([each.failure.identifier for each in search.failures], search.is_complete) == (["bob"], True)


def test_search_without_time_returns_what_it_found() -> None:
    clock = Clock(60.0)
    calls = Table(cast("DynamoDBClient", Endless(clock)), "table", clock.deadline)

    search = DynamoDBAuditLogStore(calls, "acme", time.time).find_failures_by_name("x", "x")

    assert (search.failures, search.is_complete, clock.left_s) == ([], False, 30.0)


def test_log_ends_at_expired_records(records: Records, settings: Settings) -> None:
    """DynamoDB may leave expired records for days: they are not read one and all to find that out."""
    fill(settings, 450, ttl=-DAY_S)
    records().record_failure(failure(2, "ada"))
    calls = build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29))

    assert len(drawn(DynamoDBAuditLogStore(calls, "acme", time.time), kinds=[RecordKind.FAILURE])) == 1
    assert calls.calls <= 7


def test_newest_failures_without_identifier_are_read(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their keys end in a digest and not in the time: the first by key would be any of them."""
    monkeypatch.setattr("scim.store.audit_log._MAX_MATCHES", 3)
    for number in range(9):
        records().record_failure(failure(number, "", identifier_hashes=frozenset({hash_identifier(f"name-{number}")})))

    search = records().find_failures([""])

    assert sorted(each.failure.at for each in search.failures) == [at(6), at(7), at(8)]
    assert not search.is_complete


def test_empty_identifier_finds_failures_without_identifier(records: Records) -> None:
    records().record_failure(failure(1, "", identifier_hashes=frozenset()))
    records().record_failure(failure(2, "ada"))
    assert [each.failure.at for each in records().find_failures([""]).failures] == [at(1)]
