"""The diagnosis of a person's case in sentences: their state, what failed, and what concerns the whole tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from scim.protocol.errors import Rule
from scim.service.audit.explanations import explain, explain_token
from scim.service.identity_providers.recognition import NAMES
from scim.service.model.change_record import Operation, Participation, StoredChange
from scim.service.model.failure import FailureCount
from scim.service.model.log_record import RejectedTokenCount
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_request

_MOST_UNIDENTIFIED = 5

FORMERLY_CUT = (
    "The search for former names stopped early, because the tenant has too many changes to read them all here: a "
    "person who was deleted or renamed may be missing. Use `muster why`, which has more time, or search by id."
)
NAMES_CUT = (
    "The search by name stopped early, because the tenant has too many users to read them all here. Search by "
    "userName, email, externalId or id, or use `muster why`, which has more time."
)

FAILURES_CUT = (
    "The customer has very many failures. Only the newest were searched, so older failures of this person may be "
    "missing unless they were recorded under the userName, externalId, email or id of the search."
)
CHANGES_CUT = "Only the newest 1,000 changes are shown."


def several(asked: str) -> str:
    return f"More than one person matches {asked}. Choose one by userName, email, externalId or id."


def state(
    asked: str, names: Mapping[str, str], people: Sequence[StoredResource], changes: Sequence[StoredChange]
) -> Iterator[str]:
    """Whether they are active, and since which request; ``names`` are theirs by id."""
    for each in people:
        decided = next((one.change for one in changes if one.resource_id == each.id and _decides(one)), None)
        by = f", by a {decided.operation} (request {decided.request_id})" if decided else ""
        name, since = names[each.id], f"since {each.active_since}{by}"
        if _is_active(each):
            yield f"{name} is active {since}."
        else:
            yield (
                f"{name} exists but is inactive {since}: active is not true. Assign or enable the person in the "
                "identity provider, which then sends active = true."
            )
    here = {each.id for each in people}
    for resource_id, of_one in groupby(changes, lambda one: one.resource_id):
        last = next(of_one).change
        if resource_id not in here and last.operation is Operation.DELETE:
            yield f"{asked} was deleted at {last.at}, by the identity provider's request {last.request_id}."


def renamed(
    asked: str, unique: str, names: Mapping[str, str], people: Sequence[StoredResource], changes: Sequence[StoredChange]
) -> Iterator[str]:
    """What became of those who were once known by what was asked; ``unique`` is the attribute with their name."""
    for each in people:
        was_named = any(
            one.resource_id == each.id and unique in one.change.attributes_changed for one in _updates(changes)
        )
        what = "was renamed to" if was_named else "is a former email or externalId of"
        yield f"{asked} {what} {names[each.id]}, {'active' if _is_active(each) else 'inactive'}."


def problems(
    people: Sequence[StoredResource], changes: Sequence[StoredChange], failures: Sequence[FailureCount]
) -> Iterator[str]:
    """The failures that no later change has made good: of an existing user, those after the last change."""
    settled = max((each.change.at for each in changes), default="") if people else ""
    for each in sorted(failures, key=lambda one: one.failure.at, reverse=True):
        failure = each.failure
        if failure.at < settled and not each.is_loop:
            continue
        what, change = explain(failure)
        often = f", {each.count} times since {each.first_at}" if each.count > 1 else ""
        by = f" by {NAMES[failure.provider]}" if failure.provider in NAMES else ""
        loop = (
            " It repeats: the identity provider keeps sending this until something is changed." if each.is_loop else ""
        )
        outcome = "was partly ignored" if failure.is_no_op else f"failed with {failure.status}"
        yield f"A {failure.operation}{by} {outcome} at {failure.at}{often}. {what} What to change: {change}{loop}"


def unknown(asked: str, use: TokenUsage | None, *, is_cut: bool) -> str:
    """Return that nothing is known of a person. ``use`` is the last use of the tenant's token; ``is_cut`` says that not
    everything could be searched.
    """
    if is_cut:
        return f"No request about {asked} was found in the part that could be searched."
    if " " in asked:
        return (
            f"Nobody is called {asked}: neither a user nor a person whose request failed within the last 30 days. The "
            "names of deleted users are not kept: search by the userName, email, externalId or id that the identity "
            "provider has."
        )
    last = (
        f" Its last request, {describe_request(use)}, was recorded at {format_rfc3339(use.last_used)}." if use else ""
    )
    return (
        f"No request about {asked} has been received, neither a write nor one that failed (failures are kept for "
        "30 days, changes for longer), and no user has it as userName, email, externalId, id or name. The identity "
        f"provider has not sent this person, or uses another user name.{last}"
    )


def advice() -> str:
    """Return what to do about a person whom the identity provider has not sent."""
    return (
        "What to change: assign the person, or a group that they are a direct member of, to the application, and "
        "check its scoping filters. Entra ID: Provisioning > Provision on demand says why they are skipped; "
        "a cycle takes about 40 minutes. Okta: Assignments, and Provisioning > To App > Create Users."
    )


def unidentified(failures: Sequence[FailureCount]) -> Iterator[str]:
    """The last failures of requests that name nobody: one of them may have been about the person."""
    for each in sorted(failures, key=lambda one: one.failure.at, reverse=True)[:_MOST_UNIDENTIFIED]:
        what, change = explain(each.failure)
        often = f" {each.count} times since {each.first_at}, the last" if each.count > 1 else ""
        yield (
            f"A request that names nobody failed{often} at {each.failure.at}: {each.failure.operation}, status "
            f"{each.failure.status}. {what} What to change: {change}"
        )


def wrong_scim_url(failures: Sequence[FailureCount], settled: str) -> Iterator[str]:
    """That the SCIM URL is wrong, which keeps everybody out, if requests failed by it after ``settled`` (RFC 3339)."""
    wrong = [each for each in failures if each.failure.rule == Rule.SCIM_URL and each.failure.at > settled]
    if not wrong:
        return
    last = max(wrong, key=lambda each: each.failure.at)
    what, change = explain(last.failure)
    number = sum(each.count for each in wrong)
    often = f"{number} requests failed, the last" if number > 1 else "A request failed"
    yield f"{often} at {last.failure.at}. {what} What to change: {change}"


def rejected_tokens(
    refused: Sequence[RejectedTokenCount], use: TokenUsage | None, provider: str | None
) -> Iterator[str]:
    """That requests were rejected because of their token, if no valid token was used since.

    ``refused`` are the rejected requests of the last 24 hours, ``use`` is the last use of a valid token.
    """
    if not refused:
        return
    last = max(refused, key=lambda each: each.last_at)
    if use is not None and use.last_used > datetime.fromisoformat(last.last_at).timestamp():
        return
    what, change = explain_token(last.rule, provider)
    number = sum(each.count for each in refused)
    yield (
        f"The identity provider's requests are rejected because of their token, {number} or more in the last 24 "
        f"hours, the last at {last.last_at}. {what} What to change: {change}"
    )


def tenant(settings: Tenant, failures: Sequence[FailureCount]) -> Iterator[str]:
    """What concerns everybody in the tenant."""
    if settings.is_strict and not any(each.failure.rejected_leniency for each in failures):
        yield "The tenant is in strict mode, in which what many identity providers send is refused."


def _is_active(stored: StoredResource) -> bool:
    return stored.resource.get("active") is True


def _updates(changes: Sequence[StoredChange]) -> Iterator[StoredChange]:
    return (each for each in changes if each.change.operation in (Operation.REPLACE, Operation.PATCH))


def _decides(changed: StoredChange) -> bool:
    """Return whether the change decided if its user is active."""
    return changed.change.participation is not Participation.UNCHANGED or changed.change.operation is Operation.CREATE
