"""What a person's case comes to, in sentences: how they stand, what went wrong, what concerns their whole tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scim.service.explanations import explain, explain_token
from scim.service.failures import Counted
from scim.service.ports import Tenant
from scim.service.providers import NAMES
from scim.service.records import Changed, Refused
from scim.service.stored import Stored

FORMERLY_CUT = (
    "The search for former names was cut off, since the tenant has too many changes to go through them here: somebody "
    "who was deleted or renamed may be missing. `muster why` has more time, and an id finds everything."
)
NAMES_CUT = (
    "The tenant has too many users to look through their names here: ask by userName, email, externalId or id, or with "
    "`muster why`, which has more time."
)

FAILURES_CUT = (
    "The customer has very many failures. Only the newest were searched, so older failures of this person may be "
    "missing unless they were recorded under the userName, externalId, email or id of the search."
)
CHANGES_CUT = "Only the newest 1,000 changes are shown."


def several(asked: str) -> str:
    return f"Several people are called {asked}, or have it in their name. Ask by what identifies the one who is meant."


def state(asked: str, names: Mapping[str, str], people: Sequence[Stored], changes: Sequence[Changed]) -> Iterator[str]:
    """Whether they are here and take part, and through which request; ``names`` are theirs by id."""
    for each in people:
        decided = next((one.change for one in changes if one.resource_id == each.id and _decides(one)), None)
        by = f", by a {decided.operation} (request {decided.request_id})" if decided else ""
        name, since = names[each.id], f"since {each.active_since}{by}"
        if each.resource.get("active") is True:
            yield f"{name} is here and active {since}."
        else:
            yield (
                f"{name} is here and deactivated {since}: active is not true. Assign or enable the person in the "
                "identity provider, which then sends active = true."
            )
    if not people and changes and changes[0].change.operation == "delete":
        done = changes[0].change
        yield f"{asked} was deleted at {done.at}, by the identity provider's request {done.request_id}."


def problems(people: Sequence[Stored], changes: Sequence[Changed], failures: Sequence[Counted]) -> Iterator[str]:
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


def unknown(asked: str, last_use: str | None, *, is_cut: bool, advise: bool) -> Iterator[str]:
    """Of whom nothing is known. ``last_use`` is when the identity provider came last; ``is_cut`` whether not all could
    be looked through, ``advise`` whether what is assigned there can matter.
    """
    if is_cut:
        yield f"Nothing about {asked} was found, as far as could be looked."
    elif " " in asked:
        yield (
            f"Nobody is called {asked}: no user who is here, and nobody whose request has failed within 30 days. Of "
            "those who were deleted no names are kept: ask by the userName, email, externalId or id that the identity "
            "provider has."
        )
    else:
        came = f" It came last at {last_use}." if last_use else ""
        yield (
            f"Nothing about {asked} has arrived here, as a userName, email, externalId or id, neither a write nor a "
            "request that failed (failures are kept for 30 days, changes for longer), and nobody who is "
            f"here is called that: the identity provider has not sent this person, or under another name.{came}"
        )
    if advise:
        yield (
            "What to change: assign the person, or a group that they are a direct member of, to the application, and "
            "look at its scoping filters. Entra ID: Provisioning > Provision on demand says why they are skipped, "
            "a cycle takes about 40 minutes. Okta: Assignments, and Provisioning > To App > Create Users."
        )


def tenant(settings: Tenant, refused: Sequence[Refused], failures: Sequence[Counted]) -> Iterator[str]:
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
    if settings.strict and not any(each.failure.refused for each in failures):
        yield "The tenant is in strict mode, in which what many identity providers send is refused."


def _decides(changed: Changed) -> bool:
    """Whether the change decided if its user takes part."""
    return changed.change.participation != "unchanged" or changed.change.operation == "create"
