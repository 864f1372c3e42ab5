"""The use cases around the log: what happened in a tenant, what happened to a person and why, how the tenant stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from scim.protocol.dialect import Dialect
from scim.protocol.messages import SearchRequest
from scim.service.entries import Entry, entry
from scim.service.explanations import explain, explain_token
from scim.service.failures import WRITES, Counted
from scim.service.people import handle, known_by
from scim.service.ports import LINK, Store, Tenant
from scim.service.presentation import Presentation
from scim.service.providers import NAMES
from scim.service.records import Changed, LogStore, Place, Record, Refused
from scim.service.search import read_query
from scim.service.stored import Stored, encode

_WRITES = tuple(WRITES.values())

# Entra ID's published rules (learn.microsoft.com, "Application provisioning in quarantine status").
QUARANTINE_FAILURES = 5_000
QUARANTINE_SHARE = 0.4
QUARANTINE_ALWAYS = 40_000
_EARLY = 0.5
"""The part of a threshold from which on there is a warning."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a person: who was found, what happened to them, the last first, and what it comes to."""

    asked: str
    people: Sequence[Stored]
    timeline: Sequence[Entry]
    diagnosis: Sequence[str]


@dataclass(frozen=True, slots=True)
class Health:
    """How a tenant's provisioning has gone today and yesterday (UTC): writes that failed and writes that changed
    something, tokens that were refused in the last 24 hours, and what to be warned of before Entra ID quarantines.
    """

    failures: int
    changes: int
    refused: int
    warnings: Sequence[str]

    @property
    def share(self) -> float:
        """The part of the writes that failed, 0 to 1. At most: writes that changed nothing are not known."""
        return self.failures / (self.failures + self.changes) if self.failures else 0.0


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one tenant. ``store`` has its users; ``now`` gives the time as RFC 3339 in UTC."""

    records: LogStore
    store: Store
    tenant: Tenant
    now: Callable[[], str]

    def page(
        self, before: Place | None = None, *, count: int = 100, failures_only: bool = False
    ) -> tuple[list[Entry], Place | None]:
        """The last records, or those behind a place; and the place of the last of them, ``None`` if nothing follows.

        It follows the table by a moment. A failure stands where it happened last, so one that happens again meanwhile
        moves to the front and is not on a later page.
        """
        found = list(islice(self.records.log(before, failures_only=failures_only), count + 1))
        more = found[count - 1][0] if len(found) > count else None
        return [entry(record) for _, record in found[:count]], more

    def why(self, person: str) -> Case:
        """Why somebody did or did not get in, given by userName, email, externalId or id."""
        person = person.strip()
        people = self._find(person)
        ids = [each.id for each in people] or self.records.formerly(handle(person))
        changes = [each for found in ids for each in self.records.changes(found)]
        handles = {handle(person), *map(handle, ids)}.union(*(known_by(each.resource).handles for each in people))
        failures = list(self.records.failures(handles))
        refused = self.records.refused(self._since(hours=24))
        records: list[Record] = [*changes, *failures]
        timeline = sorted(map(entry, records), key=lambda each: each.at, reverse=True)
        writes = [each for each in changes if each.change.operation != LINK]
        diagnosis = [*self._state(person, people, writes), *_problems(people, writes, failures)]
        if not timeline and not people:
            diagnosis += _never_sent(person)
        return Case(person, people, timeline, [*diagnosis, *self._tenant(refused, failures)])

    def health(self) -> Health:
        today = self._moment()
        days = [(today - timedelta(days=ago)).date().isoformat() for ago in (0, 1)]
        failures = self.records.failed(days, _WRITES)
        changes = self.records.changed(days[-1])
        refused = sum(each.count for each in self.records.refused(self._since(hours=24)))
        return Health(failures, changes, refused, list(_warnings(failures, changes, refused)))

    def _find(self, person: str) -> Sequence[Stored]:
        resource_type = self.tenant.resource_types[0]
        value = encode(person)
        names = (resource_type.unique.name, "externalId", "emails.value", "id")
        text = " or ".join(f"{name} eq {value}" for name in names)
        presentation = Presentation(resource_type, "")
        query = read_query(SearchRequest(filter=text), resource_type, Dialect(), presentation)
        return self.store.find(query).page

    def _state(self, person: str, people: Sequence[Stored], changes: Sequence[Changed]) -> Iterator[str]:
        for each in people:
            since = next((one for one in changes if one.resource_id == each.id and _decides(one)), None)
            through = (
                f" since {since.change.at}, by a {since.change.operation} (request {since.change.request_id})"
                if since
                else ""
            )
            name = each.resource[self.tenant.resource_types[0].unique.name]
            if each.resource.get("active") is True:
                yield f"{name} is here and takes part{through}."
            else:
                yield (
                    f"{name} is here and does not take part{through}: active is not true. Assign or enable the person "
                    "in the identity provider, which then sends active = true."
                )
        if not people and changes and changes[0].change.operation == "delete":
            done = changes[0].change
            yield f"{person} was deleted at {done.at}, by the identity provider's request {done.request_id}."

    def _tenant(self, refused: Sequence[Refused], failures: Sequence[Counted]) -> Iterator[str]:
        """What concerns everybody in the tenant."""
        if refused:
            last = max(refused, key=lambda each: each.last)
            provider = next((each.failure.provider for each in failures if each.failure.provider), None)
            what, change = explain_token(last.rule, provider)
            number = sum(each.count for each in refused)
            yield (
                f"The identity provider's requests were refused, {number} or more in the last 24 hours, the last at "
                f"{last.last}: {what} {change}"
            )
        if self.tenant.strict and not any(each.failure.refused for each in failures):
            yield "The tenant is in strict mode, in which what many identity providers send is refused."

    def _moment(self) -> datetime:
        return datetime.fromisoformat(self.now()).astimezone(UTC)

    def _since(self, *, hours: int) -> str:
        return (self._moment() - timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _decides(changed: Changed) -> bool:
    """Whether the change decided if its user takes part."""
    return changed.change.participation != "unchanged" or changed.change.operation == "create"


def _problems(people: Sequence[Stored], changes: Sequence[Changed], failures: Sequence[Counted]) -> Iterator[str]:
    """The failures that nothing has made good since: of somebody who did get in, those after the last change."""
    settled = max((each.change.at for each in changes), default="") if people else ""
    for each in sorted(failures, key=lambda one: one.failure.at, reverse=True):
        failure = each.failure
        if failure.at < settled and not each.is_loop:
            continue
        what, change = explain(failure)
        often = f", {each.count} times since {each.first}" if each.count > 1 else ""
        by = f" by {NAMES[failure.provider]}" if failure.provider in NAMES else ""
        loop = " It is a loop: the same again and again, until something is changed." if each.is_loop else ""
        outcome = "came to nothing in part" if failure.is_no_op else f"failed with {failure.status}"
        yield f"A {failure.operation}{by} {outcome} at {failure.at}{often}. {what} What to change: {change}{loop}"


def _never_sent(person: str) -> Iterator[str]:
    yield (
        f"Nothing about {person} has ever arrived here, neither a success nor a failure (failures are kept for 30 "
        "days): the identity provider has not sent this person, or under another name."
    )
    yield (
        "What to change: assign the person, or a group that they are a direct member of, to the application, and look "
        "at its scoping filters. Entra ID: Provisioning > Provision on demand says why they are skipped, "
        "a cycle takes about 40 minutes. Okta: Assignments, and Provisioning > To App > Create Users."
    )


def _warnings(failures: int, changes: int, refused: int) -> Iterator[str]:
    if refused:
        yield (
            f"{refused} or more requests came with a token that is not valid: Entra ID quarantines for that at once. "
            "Paste a valid token (`muster rotate` makes one) and restart provisioning."
        )
    share = failures / (failures + changes) if failures else 0.0
    if failures > QUARANTINE_ALWAYS or (failures >= QUARANTINE_FAILURES and share > QUARANTINE_SHARE):
        yield (
            f"{failures} writes have failed, {share:.0%} of all: by its published rules Entra ID quarantines now. "
            "`muster log --failures` says what to change; then restart provisioning."
        )
    elif failures > _EARLY * QUARANTINE_ALWAYS or (
        failures >= _EARLY * QUARANTINE_FAILURES and share > _EARLY * QUARANTINE_SHARE
    ):
        yield (
            f"{failures} writes have failed, {share:.0%} of all: Entra ID quarantines from {QUARANTINE_FAILURES} "
            f"failures on if more than {QUARANTINE_SHARE:.0%} fail, and from {QUARANTINE_ALWAYS} on in any case. "
            "`muster log --failures` says what to change."
        )
