"""Build the card of a person who matches a search: state, verdict, what to change, and a message for the IT admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.service.audit.it_admin_message import write_it_admin_message
from scim.service.audit.log_entries import LogEntry, LogEntryKind, describe_record
from scim.service.audit.person_report import PersonReport, PersonReportBuilder
from scim.service.model.audit.log_record import AUTHENTICATE
from scim.service.model.audit.person_match import Match
from scim.service.model.change_record import Operation, StoredChange
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, parse_rfc3339
from scim.service.model.token import DAY_S
from scim.service.search.ports import MatchStore

_MAX_FIXES = 2
"""The maximum number of failures whose remediation a card shows."""
_MAX_ENTRIES = 3
"""The maximum number of entries of the timeline in a card."""


class PersonState(StrEnum):
    """The state of a person at a tenant, as a card shows it."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DELETED = "Deleted"
    NOT_PROVISIONED = "Not provisioned"
    NO_PERSON = "No person"
    """The request identifies no person."""


class PublicationState(StrEnum):
    """Whether EventBridge has accepted the event of a change."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    """No acceptance is recorded, and the stream may still deliver the change: it keeps records for a day."""
    UNKNOWN = "unknown"
    """No acceptance is recorded, and the change is too old to say why."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The publication of the event of a person's newest change.

    ``event_id`` is the id in the event. ``accepted_at`` is when EventBridge had accepted it (RFC 3339), empty if the
    state is not ``ACCEPTED``.
    """

    state: PublicationState
    event_id: str
    accepted_at: str = ""


@dataclass(frozen=True, slots=True)
class PersonCard:
    """The result of a search for one person at one tenant.

    Attributes:
        match: The match.
        name: The user name or another identifier of the person, empty if the request identifies no person.
        state: The state of the person.
        verdict: The most important fact, in one sentence.
        fixes: What to change and where, the most important first.
        timeline: The newest entries of the timeline, newest first.
        publication: Whether EventBridge has accepted the event of the newest change, ``None`` if there is no change.
        message: A message to the IT admin in plain text. Its times are RFC 3339.
    """

    match: Match
    name: str
    state: PersonState
    verdict: str
    fixes: Sequence[str]
    timeline: Sequence[LogEntry]
    publication: Publication | None
    message: str

    @property
    def request_id(self) -> str:
        """The id of the newest request in the timeline, empty if there is none."""
        return self.timeline[0].request_id if self.timeline else ""


@dataclass(frozen=True, slots=True)
class PersonCardBuilder:
    """Builds the cards of one tenant. ``now`` returns the seconds since 1970."""

    tenant: Tenant
    report_builder: PersonReportBuilder
    match_store: MatchStore
    now: Callable[[], float]

    def build(self, match: Match, text: str) -> PersonCard | None:
        """Return the card of a match for the searched text, ``None`` if nothing is known about the person any more."""
        if match.user_id:
            return self._build_person_card(match, text, [match.user_id])
        if match.identifier:
            return self._build_person_card(match, match.identifier, self._find_user_ids(match.identifier))
        return self._build_request_card(match)

    def _find_user_ids(self, identifier: str) -> list[str]:
        """Return the ids of the users who have an identifier, without duplicates."""
        matches = [
            *self.match_store.get_matches([self.tenant.id], identifier),
            *self.match_store.query_matches(self.tenant.id, identifier),
        ]
        return list(dict.fromkeys(match.user_id for match in matches if match.user_id))

    def _build_person_card(self, match: Match, query: str, user_ids: Sequence[str]) -> PersonCard | None:
        report = self.report_builder.build_by_ids(query, user_ids)
        if not report.users and not report.timeline:
            return None
        name = _choose_name(report)
        failures = _select_relevant_failures(report)
        state = _determine_state(report)
        verdict = _describe_verdict(name, state, report, failures)
        fixes = list(_describe_fixes(state, report, failures))
        return self._build_card(match, name, state, verdict, fixes, report.timeline, report.last_write)

    def _build_request_card(self, match: Match) -> PersonCard | None:
        """Return the card of a failed request that identifies no person, or whose token was rejected."""
        failures = self.match_store.read_failures(self.tenant, match.failure_keys)
        timeline = sorted((describe_record(failure, {}) for failure in failures), key=_get_time, reverse=True)
        if not timeline:
            return None
        newest = timeline[0]
        verdict = _describe_failed_request(newest)
        fixes = [f"{entry.summary} What to change: {entry.remediation}" for entry in timeline[:_MAX_FIXES]]
        return self._build_card(match, "", PersonState.NO_PERSON, verdict, fixes, timeline, None)

    def _build_card(
        self,
        match: Match,
        name: str,
        state: PersonState,
        verdict: str,
        fixes: Sequence[str],
        timeline: Sequence[LogEntry],
        last_write: StoredChange | None,
    ) -> PersonCard:
        newest = timeline[:_MAX_ENTRIES]
        subject = f"the provisioning of {name}" if name else "a provisioning request"
        sections = {"What to do": fixes, "Newest requests": [_summarize_entry(entry) for entry in newest]}
        message = write_it_admin_message(subject, verdict, sections, format_rfc3339(self.now()))
        return PersonCard(match, name, state, verdict, fixes, newest, self._find_publication(last_write), message)

    def _find_publication(self, change: StoredChange | None) -> Publication | None:
        if change is None:
            return None
        accepted_at = self.match_store.find_acceptance(self.tenant.id, change)
        if accepted_at:
            return Publication(PublicationState.ACCEPTED, change.event_id, accepted_at)
        is_recent = self.now() - parse_rfc3339(change.change.at) < DAY_S
        return Publication(PublicationState.PENDING if is_recent else PublicationState.UNKNOWN, change.event_id)


def _get_time(entry: LogEntry) -> str:
    return entry.at


def _is_active(user: StoredResource) -> bool:
    return user.resource.get("active") is True


def _choose_name(report: PersonReport) -> str:
    """Return the current user name, else that of the last change, else the identifier that was searched."""
    if report.users:
        return str(report.users[0].resource["userName"])
    return (report.last_write and report.last_write.change.user_name) or report.query


def _determine_state(report: PersonReport) -> PersonState:
    if report.users:
        return PersonState.ACTIVE if all(map(_is_active, report.users)) else PersonState.INACTIVE
    return PersonState.DELETED if report.last_write else PersonState.NOT_PROVISIONED


def _select_relevant_failures(report: PersonReport) -> list[LogEntry]:
    """Return the failures after the last change, and those that repeat, newest first."""
    last_change = report.last_write.change.at if report.last_write else ""
    return [
        entry
        for entry in report.timeline
        if entry.kind in (LogEntryKind.FAILURE, LogEntryKind.NO_OP)
        and (entry.at >= last_change or (entry.is_repeating and report.users))
    ]


def _describe_verdict(name: str, state: PersonState, report: PersonReport, failures: Sequence[LogEntry]) -> str:
    """Return the most important fact about a person, in one sentence."""
    if len(report.users) > 1:
        return f"{len(report.users)} users have {report.query}, so the identity provider cannot tell them apart."
    outcome = _describe_outcome(failures[0]) if failures else ""
    match state:
        case PersonState.ACTIVE | PersonState.INACTIVE:
            fact = f"{name} has been {state.lower()} since {report.users[0].active_since}"
        case PersonState.DELETED:
            fact = _describe_deletion(name, report.last_write)
        case _:
            return f"{name} was not provisioned: {outcome}."
    return f"{fact}, and {outcome}." if outcome else f"{fact}."


def _describe_failed_request(failure: LogEntry) -> str:
    """Return the verdict on a failed request that identifies no person."""
    if failure.operation == AUTHENTICATE:
        return f"The request was rejected with {failure.status} because of its token."
    return f"The {failure.operation} request names no user, and failed with {failure.status} at {failure.at}."


def _describe_outcome(failure: LogEntry) -> str:
    if failure.kind is LogEntryKind.NO_OP:
        return f"a part of the newest request was ignored at {failure.at}"
    return f"the newest {failure.operation} request failed with {failure.status} at {failure.at}"


def _describe_deletion(name: str, last_write: StoredChange | None) -> str:
    if last_write is None or last_write.change.operation is Operation.ERASE:
        return f"The records that named {name or 'this deleted user'} were erased"
    return f"{name} was deleted by the identity provider at {last_write.change.at}"


def _describe_fixes(state: PersonState, report: PersonReport, failures: Sequence[LogEntry]) -> Iterator[str]:
    """Yield what to change and where: first what concerns the whole tenant, then what concerns the person."""
    yield from report.tenant_problems
    for entry in failures[:_MAX_FIXES]:
        yield f"{entry.summary} What to change: {entry.remediation}"
    if report.tenant_problems or failures:
        return
    if state is PersonState.ACTIVE:
        yield (
            "Nothing to change in the provisioning. If the person cannot sign in, look at the sign-in of your product, "
            "and whether it has processed the event."
        )
    elif state is PersonState.INACTIVE:
        yield "Assign or enable the person in the identity provider, so that it sends active = true."
    elif state is PersonState.DELETED:
        yield (
            "Assign the person to the application again in the identity provider, which then creates the user again."
        )


def _summarize_entry(entry: LogEntry) -> str:
    status = f" ({entry.status})" if entry.status else ""
    request = f", request id {entry.request_id}" if entry.request_id else ""
    return f"{entry.at}: {entry.operation}{status}{request}"
