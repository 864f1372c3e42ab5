"""Explain in sentences whether a person is active, which requests failed, and problems of the whole tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from scim.protocol.errors import Rule
from scim.service.audit.explanations import EXPLANATIONS, explain, explain_rejected_token
from scim.service.model.audit.failure import DailyFailures, FailureCount, FailureKind
from scim.service.model.audit.log_record import RejectedTokenCount
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.stored_resource import StoredResource, UserState
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, parse_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_last_use

_MAX_UNIDENTIFIED = 5
RECORD_S = 60.0
"""Requests over the rate limit are recorded by the first one in this many seconds, in each execution environment."""

PREVIOUS_OWNERS_INCOMPLETE = (
    "The search for former names stopped early, because the customer has too many changes to read them all. A person "
    "who was deleted or renamed may be missing: search by id. The command `muster why` searches longer than the "
    "console."
)
NAMES_INCOMPLETE = (
    "The search by name stopped early, because the customer has too many users to read them all. Search by userName, "
    "email, externalId or id. The command `muster why` searches longer than the console."
)
MATCHES_INCOMPLETE = (
    "More than 50 users match, and only 50 of them are shown. Search for a longer part of the name, or by userName, "
    "email, externalId or id."
)
FAILURES_INCOMPLETE = (
    "Not all failures were searched, because the customer has very many, or because very many people have what you "
    "searched for. Older failures may be missing, unless they were recorded under the userName, externalId, email or "
    "id that you searched for."
)
CHANGES_INCOMPLETE = "Only 1,000 changes, of at most 50 users, are shown."


def describe_multiple_matches(query: str) -> str:
    """Return the sentence for a query that several people match."""
    return f'Several people match "{query}". Select one, or search again by userName, email, externalId or id.'


def describe_state(
    query: str, user_names: Mapping[str, str], users: Sequence[StoredResource], changes: Sequence[StoredChange]
) -> Iterator[str]:
    """Yield a sentence for each user, deleted ones too: whether they are active, since when, and by which request.

    ``user_names`` maps ids of users to user names. ``changes`` are the changes of the users, newest first.
    """
    for user in users:
        user_changes = (stored.change for stored in changes if stored.resource_id == user.id)
        change = next(filter(_sets_active, user_changes), None)
        by = f" (set by {change.operation} request {change.request_id})" if change else ""
        name, since = user_names[user.id], f"since {user.active_since}{by}"
        if user.state is UserState.ACTIVE:
            yield f"{name} has been active {since}."
        else:
            yield (
                f"{name} exists but has been inactive {since}. Assign or enable the person in the identity provider, "
                "so that it sends active = true."
            )
    user_ids = {user.id for user in users}
    for resource_id, stored_changes in groupby(changes, lambda stored: stored.resource_id):
        last = next(stored_changes).change
        if resource_id not in user_ids and last.operation is Operation.DELETE:
            yield f"{query} was deleted by the identity provider at {last.at} (request {last.request_id})."
        if last.operation is Operation.ERASE:
            yield f"The records that named this deleted user were erased at {last.at}."


def describe_renamed_users(
    query: str,
    unique_attribute: str,
    user_names: Mapping[str, str],
    users: Sequence[StoredResource],
    changes: Sequence[StoredChange],
) -> Iterator[str]:
    """Yield a sentence for each user who had the identifier ``query`` before, with their current user name.

    ``unique_attribute`` is the name of the attribute that contains the user name.
    """
    renamed_ids = {stored.resource_id for stored in changes if _changes_value_of(unique_attribute, stored.change)}
    for user in users:
        relation = "was renamed to" if user.id in renamed_ids else "is a former email or externalId of"
        yield f"{query} {relation} {user_names[user.id]}, {user.state}."


def describe_failures(
    users: Sequence[StoredResource], changes: Sequence[StoredChange], failures: Sequence[FailureCount]
) -> Iterator[str]:
    """Yield a sentence for each failure that is still relevant, newest first.

    If the person is a user, failures before the user's last change are omitted, unless they repeat.
    """
    last_change = max((stored.change.at for stored in changes), default="") if users else ""
    for count in sorted(failures, key=lambda count: count.failure.at, reverse=True):
        if count.failure.at >= last_change or count.is_repeating:
            yield _describe_failure(count)


def _describe_failure(count: FailureCount) -> str:
    failure = count.failure
    summary, remediation = explain(failure)
    times = f", {count.count} times since {count.first_at}" if count.count > 1 else ""
    by = f" by {failure.provider.display_name}" if failure.provider else ""
    outcome = "was partly ignored" if failure.is_no_op else f"failed with {failure.status}"
    sentence = (
        f"A {failure.operation} request{by} {outcome} at {failure.at}{times}. {summary} What to change: {remediation}"
    )
    if count.is_repeating:
        sentence += " This failure repeats: the identity provider sends the same request again until you change this."
    return sentence


def describe_refusals(failures: DailyFailures, last_change: str) -> Iterator[str]:
    """Yield a sentence if requests over the rate limit were refused, and the person has not changed since then.

    The records of these requests do not name the person. ``failures`` are those of the last days. ``last_change`` is
    the time of the person's last change (RFC 3339 in UTC), empty if there was none.
    """
    number = failures.get_count(FailureKind.RATE_LIMITED)
    last = failures.last_refusal
    if not last or (last_change and parse_rfc3339(last_change) > parse_rfc3339(last) + RECORD_S):
        return
    explanation = EXPLANATIONS[Rule.RATE_LIMIT]
    yield (
        f"At least {number} {'request' if number == 1 else 'requests'} of this customer failed with 429 since "
        f"yesterday, most recently in the minute after {last}. {explanation.summary} A request about "
        f"this person can be one of them: they are counted without people. What to change: {explanation.remediation}"
    )


def describe_unknown_person(query: str, token_usage: TokenUsage | None, *, is_incomplete: bool) -> str:
    """Return the sentence for a person who is not a user and has no recorded request.

    ``token_usage`` is the last use of the tenant's token. ``is_incomplete`` says that a search stopped early.
    """
    if is_incomplete:
        return f'No request about "{query}" was found, but the search was incomplete.'
    if " " in query:
        return (
            f'No person with the name "{query}" was found: neither a user, nor a person whose request failed in the '
            "last 30 days. The names of deleted users are not kept. Search for a deleted user by userName, email, "
            "externalId or id."
        )
    last_request = ""
    if token_usage:
        last_request = (
            f" Its last recorded request was {describe_last_use(token_usage)} at "
            f"{format_rfc3339(token_usage.last_used)}."
        )
    return (
        f'No request about "{query}" has been received: no change, and no failure in the last 30 days. No user has '
        "this userName, email, externalId, id or name. The identity provider has not sent this person, or uses another "
        f"user name.{last_request}"
    )


def describe_how_to_provision() -> str:
    """Return the sentence on how to provision a person that the identity provider has not sent."""
    return (
        "What to change: in the identity provider, assign the person to the application, or a group that has the "
        "person as a direct member. Check the application's scoping filters. In Entra ID, Provisioning > Provision on "
        "demand shows why a person is skipped, and a provisioning cycle takes about 40 minutes. In Okta, check "
        "Assignments, and that Provisioning > To App > Create Users is on."
    )


def describe_unidentified_failures(failures: Sequence[FailureCount]) -> Iterator[str]:
    """Yield a sentence for each of the newest failed requests that identify no person. One may be about this person."""
    for count in sorted(failures, key=lambda count: count.failure.at, reverse=True)[:_MAX_UNIDENTIFIED]:
        summary, remediation = explain(count.failure)
        times = f" {count.count} times since {count.first_at}, most recently" if count.count > 1 else ""
        yield (
            f"A request that names no user failed{times} at {count.failure.at} "
            f"({count.failure.operation}, status {count.failure.status}). {summary} What to change: {remediation}"
        )


def describe_wrong_scim_url(failures: Sequence[FailureCount], since: str) -> Iterator[str]:
    """Yield a sentence if requests failed after ``since`` (RFC 3339) because the SCIM URL is wrong.

    With a wrong SCIM URL, no user of the tenant is provisioned.
    """
    url_failures = [count for count in failures if count.failure.rule == Rule.SCIM_URL and count.failure.at > since]
    if not url_failures:
        return
    last = max(url_failures, key=lambda count: count.failure.at)
    summary, remediation = explain(last.failure)
    number = sum(count.count for count in url_failures)
    times = f"{number} requests failed, most recently" if number > 1 else "A request failed"
    yield f"{times} at {last.failure.at}. {summary} What to change: {remediation}"


def find_last_use_of_right_url(token_usage: TokenUsage | None) -> str:
    """Return when the last recorded request arrived at the right SCIM URL (RFC 3339), empty if it did not."""
    return format_rfc3339(token_usage.last_used) if token_usage and not token_usage.has_wrong_url else ""


def describe_rejected_tokens(
    rejected_tokens: Sequence[RejectedTokenCount], token_usage: TokenUsage | None, provider: IdentityProvider | None
) -> Iterator[str]:
    """Yield a sentence if tokens were rejected and no valid token has been used since then.

    ``rejected_tokens`` are those of the last 24 hours. ``token_usage`` is the last use of a valid token.
    """
    if not rejected_tokens:
        return
    last = max(rejected_tokens, key=lambda count: count.last_at)
    if token_usage is not None and token_usage.last_used > parse_rfc3339(last.last_at):
        return
    summary, remediation = explain_rejected_token(last.rule, provider)
    number = sum(count.count for count in rejected_tokens)
    yield (
        "The identity provider's requests are rejected because of their token: at least "
        f"{number} in the last 24 hours, most recently at {last.last_at}. {summary} What to change: {remediation}"
    )


def describe_malformed_tokens(counts: Sequence[RejectedTokenCount]) -> str:
    """Return a sentence on the requests with a malformed token in the last 24 hours, with what to do.

    Return an empty text if there were none.
    """
    if not counts:
        return ""
    total, last = sum(count.count for count in counts), max(counts, key=lambda count: count.last_at)
    summary, remediation = explain_rejected_token(last.rule, None)
    return (
        f"At least {total} {'request' if total == 1 else 'requests'} with a malformed token in the last 24 hours, most "
        f"recently at {last.last_at}. {summary} What to change if it comes from your identity provider: {remediation}"
    )


def describe_strict_mode(tenant: Tenant, failures: Sequence[FailureCount]) -> Iterator[str]:
    """Yield a sentence if the tenant is in strict mode, unless the explanation of a failure already says so."""
    if tenant.is_strict and not any(count.failure.rejected_leniency for count in failures):
        yield "Strict mode is on: it rejects requests that many identity providers send."


def _changes_value_of(attribute: str, change: ChangeRecord) -> bool:
    return change.operation in (Operation.REPLACE, Operation.PATCH) and attribute in change.attributes_changed


def _sets_active(change: ChangeRecord) -> bool:
    """Return whether the change determined if its user is active."""
    return change.participation is not Participation.UNCHANGED or change.operation is Operation.CREATE
