"""Describe how far the set-up of a tenant's identity provider has come, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scim.protocol.errors import Rule
from scim.service.audit.explanations import explain, explain_rejected_token
from scim.service.model.audit.failure import Failure, FailureCount
from scim.service.model.audit.log_record import LogRecord, RejectedTokenCount
from scim.service.model.identifiers import IdentifierKind
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.timestamps import parse_rfc3339
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.tenants.access_problems import describe_first_use

_MAX_ISSUES = 5

_TITLES = {
    Rule.TOKEN_CUT_SHORT: "The token is cut short",
    Rule.TOKEN_MALFORMED: "The token is mistyped",
    Rule.TOKEN_WITH_BEARER: "The word Bearer is sent twice",
    Rule.TOKEN_WITHOUT_BEARER: "The word Bearer is missing",
    Rule.TOKEN_WITH_OTHER_TEXT: "The token is sent with other characters",
    Rule.TOKEN: "An old token is sent",
    Rule.TOKEN_EXPIRED: "The token has expired",
    Rule.SCIM_URL: "The SCIM URL is wrong",
    Rule.GROUPS_ENDPOINT: "Groups are switched on",
}


class SetupState(StrEnum):
    """How far the set-up has come."""

    WAITING = "waiting"
    """No request with a valid token has arrived."""
    TESTED = "tested"
    """A request with a valid token has arrived, and no user."""
    PROVISIONING = "provisioning"
    """The tenant has users."""


@dataclass(frozen=True, slots=True)
class SetupIssue:
    """An issue that the identity provider's requests show.

    ``title`` names it in a few words. ``summary`` says what happened, and ``remediation`` what to change, in sentences.
    ``at`` is when it occurred last (RFC 3339 in UTC).
    """

    title: str
    summary: str
    remediation: str
    at: str


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """The progress of a set-up. ``first_request`` describes the first request with a valid token, empty for none.

    ``first_request_at`` is its time in seconds since 1970. ``issues`` are the newest issues that were not solved.
    """

    state: SetupState
    first_request: str
    first_request_at: float
    user_count: int
    issues: Sequence[SetupIssue]

    @property
    def is_finished(self) -> bool:
        """Whether users arrive, and no issue is left."""
        return self.state is SetupState.PROVISIONING and not self.issues


def assess_setup(
    token_usage: TokenUsage | None,
    user_count: int,
    newest_failures: Iterable[LogRecord],
    provider: IdentityProvider | None,
    now: float,
) -> SetupProgress:
    """Return the progress of a tenant's set-up.

    Args:
        token_usage: The last use of the tenant's token, ``None`` if none was ever used.
        user_count: The number of the tenant's users.
        newest_failures: The failures and rejected tokens of its audit log, newest first.
        provider: The identity provider that is being set up, for more exact texts.
        now: The time in seconds since 1970.
    """
    issues = _list_issues(newest_failures, token_usage, provider, now)
    if token_usage is None:
        return SetupProgress(SetupState.WAITING, "", 0.0, user_count, issues)
    state = SetupState.PROVISIONING if user_count else SetupState.TESTED
    return SetupProgress(state, describe_first_use(token_usage), token_usage.first_used, user_count, issues)


def _list_issues(
    records: Iterable[LogRecord], token_usage: TokenUsage | None, provider: IdentityProvider | None, now: float
) -> list[SetupIssue]:
    """Return the newest issues of the last 24 hours, each rule once."""
    issues: dict[str, SetupIssue] = {}
    for rule, issue in _describe_records(records, provider):
        if now - parse_rfc3339(issue.at) >= DAY_S or len(issues) == _MAX_ISSUES:
            break
        if not (rule in _TITLES and rule != Rule.GROUPS_ENDPOINT and _is_solved(issue, token_usage)):
            issues.setdefault(rule, issue)
    return list(issues.values())


def _is_solved(issue: SetupIssue, token_usage: TokenUsage | None) -> bool:
    """Return whether a request with a valid token came after the issue.

    The first request with a wrong SCIM URL is such a request itself: it is recorded just before its failure.
    """
    return token_usage is not None and token_usage.last_used > parse_rfc3339(issue.at)


def _describe_records(
    records: Iterable[LogRecord], provider: IdentityProvider | None
) -> Iterator[tuple[str, SetupIssue]]:
    """Yield the rule and the issue of each record that is a failure or a rejected token."""
    for record in records:
        if isinstance(record, RejectedTokenCount):
            summary, remediation = explain_rejected_token(record.rule, provider)
            yield record.rule, SetupIssue(_find_title(record.rule), summary, remediation, record.last_at)
        elif isinstance(record, FailureCount):
            failure = replace(record.failure, provider=record.failure.provider or provider)
            summary, remediation = explain(failure)
            title = "A request was partly ignored" if failure.is_no_op else _find_title(failure.rule, failure)
            yield failure.rule, SetupIssue(title, summary, remediation, failure.at)


def _find_title(rule: str, failure: Failure | None = None) -> str:
    """Return the title of a rule, else one that names the person of the failed request.

    Another version of Muster may have stored a rule that this one does not have.
    """
    has_name = failure is not None and failure.identifier and failure.identifier_kind != IdentifierKind.ID
    default = f"A request for {failure.identifier} failed" if failure and has_name else "A request failed"
    return next((title for known, title in _TITLES.items() if known == rule), default)
