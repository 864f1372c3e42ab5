"""The use cases around the log: what happened in a tenant, what happened to a person and why, how the tenant stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from scim.service.case import Case, Inquiry
from scim.service.entries import Entry, entry
from scim.service.failures import WRITES, Counted
from scim.service.health import Day, Health, judge
from scim.service.ports import MALFORMED, Store, Tenant, Use
from scim.service.records import CHANGES, EVERYTHING, FAILURES, LogStore, Place, Record, Refused
from scim.service.tenants import rfc3339

_WRITES = tuple(WRITES.values())
_JUDGED_DAYS = 2


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one tenant. ``store`` has its users, ``last_use`` reads when its token was last used; ``now`` gives
    the time as RFC 3339 in UTC.
    """

    records: LogStore
    store: Store
    tenant: Tenant
    last_use: Callable[[], Use | None]
    now: Callable[[], str]

    def page(
        self, before: Place | None = None, *, count: int = 100, failures_only: bool = False
    ) -> tuple[list[Entry], Place | None]:
        """The last records, or those behind a place; and the place of the last of them, ``None`` if nothing follows.

        It follows the table by a moment. A failure stands where it happened last, so one that happens again meanwhile
        moves to the front and is not on a later page.
        """
        kinds = (FAILURES,) if failures_only else EVERYTHING
        found = list(islice(self.records.log(before, kinds), count + 1))
        more = found[count - 1][0] if len(found) > count else None
        shown = [record for _, record in found[:count]]
        names = self._names(shown)
        return [entry(record, names) for record in shown], more

    def why(self, person: str) -> Case:
        """Why somebody did or did not get in, given by userName, email, externalId, id or name."""
        return Inquiry(self.records, self.store, self.tenant, self.last_use, self.now).open(person.strip())

    def last_success(self) -> Entry | None:
        """The last write that changed something."""
        return self._last(CHANGES)

    def last_failure(self) -> Entry | None:
        """The last request that failed, or whose token was refused; a malformed token is no failure of the tenant's."""
        return self._last(FAILURES)

    def activity(self, days: int) -> list[Day]:
        """Each of the last days (UTC), today the last."""
        failed = self.records.failed()
        return [self._day(self._moment() - timedelta(days=ago), failed) for ago in reversed(range(days))]

    def health(self, days: Sequence[Day] = ()) -> Health:
        """By the last two of the days, which are looked up if none are given."""
        judged = (days or self.activity(_JUDGED_DAYS))[-_JUDGED_DAYS:]
        return judge(judged, sum(each.count for each in self.records.refused(self._yesterday())))

    def malformed_tokens(self) -> Sequence[Refused]:
        """Return the unverified requests with a malformed token of the last 24 hours, minute by minute."""
        return self.records.malformed_tokens(self._yesterday())

    def _last(self, kind: str) -> Entry | None:
        records = (record for _, record in self.records.log(kinds=(kind,)))
        found = next((each for each in records if _is_outcome(each)), None)
        return entry(found, self._names([found])) if found else None

    def _names(self, records: Sequence[Record]) -> Mapping[str, str]:
        """The names of those users whom failures know by their id only."""
        failures = (record.failure for record in records if isinstance(record, Counted))
        ids = [failure.identifier for failure in failures if failure.kind == "id"]
        return self.records.user_names(ids) if ids else {}

    def _day(self, moment: datetime, failed: Mapping[tuple[str, str], int]) -> Day:
        day = moment.date().isoformat()
        of_day = {operation: number for (on, operation), number in failed.items() if on == day}
        failed_writes = sum(number for operation, number in of_day.items() if operation in _WRITES)
        return Day(day, self.records.changed(day), sum(of_day.values()), failed_writes)

    def _yesterday(self) -> str:
        return rfc3339((self._moment() - timedelta(hours=24)).timestamp())

    def _moment(self) -> datetime:
        return datetime.fromisoformat(self.now()).astimezone(UTC)


def _is_outcome(record: Record) -> bool:
    """Return whether the record tells of a success or a failure of the tenant's identity provider."""
    if isinstance(record, Counted):
        return not record.failure.is_no_op
    return not (isinstance(record, Refused) and record.rule == MALFORMED)
