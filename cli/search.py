"""The commands ``search`` and ``problems``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import click

from cli import output
from cli.app import LONG_READ_S, deployment_options, get_deployment, json_option, require_tenant, tenant_argument
from cli.progress import show_elapsed_time
from scim.service.problems.problem import Problem
from scim.service.search.customer_search import CustomerSearchResult
from scim.service.search.person_card import PersonCard, Publication, PublicationState


@click.command(
    epilog="""\b
Examples:
  muster search ada@example.com
  muster search ada@example.com --json | jq -r '.cards[].verdict'
"""
)
@click.argument("text")
@click.option("--after", metavar="TENANT", default="", help="Search only the tenants after this one.")
@json_option
@deployment_options
def search(text: str, after: str, json: bool) -> None:
    """Search all tenants for a person or a request.

    TEXT is the whole userName, email address, externalId or id of a person, or the request id from an error.
    """
    if not text.strip():
        raise click.UsageError("TEXT is empty.")
    administration = get_deployment().build_administration(LONG_READ_S)
    with show_elapsed_time("Searching", json=json):
        result = administration.build_customer_search(_print_fault).search(text, after)
    if json:
        output.print_json({**asdict(result), "is_complete": result.is_complete})
        return
    for card in result.cards:
        _print_card(card)
    for match in result.other_matches:
        person = match.user_name or match.identifier or match.user_id or "a request without a user"
        state = f", {match.state}" if match.state else ""
        click.echo(output.make_printable(f"{match.tenant_id}: {person}{state}, found by {match.kind}"))
    if not result.cards and not result.other_matches:
        click.echo(f"No tenant that was searched has {output.make_printable(text)}.")
    _print_completeness(result)


def _print_card(card: PersonCard) -> None:
    name = card.name or "request without a user"
    click.echo(click.style(output.make_printable(f"{card.match.tenant_id}: {name}: {card.state}"), bold=True))
    for sentence in (card.verdict, *card.fixes, _describe_publication(card.publication)):
        if sentence:
            click.echo(f"  {output.format_sentence(sentence)}")
    click.echo()


def _describe_publication(publication: Publication | None) -> str:
    """Return whether EventBridge has accepted the newest event, empty if there is no change."""
    if publication is None:
        return ""
    match publication.state:
        case PublicationState.ACCEPTED:
            return f"EventBridge accepted the event of the newest change at {publication.accepted_at}."
        case PublicationState.PENDING:
            return "EventBridge has not accepted the event of the newest change yet."
        case PublicationState.UNKNOWN:
            return "It is unknown whether EventBridge accepted the event of the newest change."


def _print_completeness(result: CustomerSearchResult) -> None:
    """Print what was not searched, to standard error."""
    if result.unreadable_tenants:
        click.echo(f"Could not be searched: {', '.join(result.unreadable_tenants)}.", err=True)
    if result.tenants_without_card:
        click.echo(f"Searched, but without details: {', '.join(result.tenants_without_card)}.", err=True)
    if result.remaining:
        click.echo(f"{result.remaining:,} tenants were not searched. Use --after {result.next_after}.", err=True)
    for request in result.large_requests:
        click.echo(
            f"The request has {request.entries:,} changes and failures at {request.tenant_id}. "
            f"{request.listed} of its people are listed. To list all: "
            f"muster log {request.tenant_id} --request {shlex.quote(output.make_printable(result.text))}",
            err=True,
        )
    if result.has_more_matches:
        click.echo("There are more matches than these.", err=True)


@click.command(
    epilog="""\b
Examples:
  muster problems acme
  muster problems acme --json | jq -r .summary
"""
)
@tenant_argument
@json_option
@deployment_options
def problems(tenant_id: str, json: bool) -> None:
    """List the open problems of a tenant.

    A problem is a group of failed requests with the same cause that no success has followed. The most urgent is first.
    """
    administration = get_deployment().build_administration(LONG_READ_S)
    loaded = administration.load_problems(require_tenant(administration, tenant_id))
    open_problems = loaded.open_problems
    if json:
        output.print_json_lines(_build_document(problem) for problem in open_problems.problems)
    elif open_problems.problems:
        output.print_table(("SINCE", "LAST", "PEOPLE", "REQUESTS", "PROBLEM"), _format_rows(open_problems.problems))
    else:
        click.echo("No open problems.")
    if not open_problems.is_complete:
        click.echo("Only the newest failures were examined. There may be more problems and more people.", err=True)


def _build_document(problem: Problem) -> dict[str, Any]:
    return {**asdict(problem), "people": [identifier for _, identifier in problem.people]}


def _format_rows(open_problems: Iterable[Problem]) -> Iterator[tuple[str, ...]]:
    for problem in open_problems:
        people = ", ".join(identifier for _, identifier in problem.people if identifier)
        yield (
            output.format_optional_time(problem.first_at),
            output.format_optional_time(problem.last_at),
            f"{problem.people_count:,}" if problem.people_count else "",
            f"{problem.request_count:,}" if problem.request_count else "",
            output.format_sentence(problem.summary),
            f"What to change: {output.format_sentence(problem.remediation)}",
            f"People: {people}" if people else "",
        )


def _print_fault(tenant_id: str, fault: Exception) -> None:
    click.echo(
        f"A part of {tenant_id} could not be read: {output.make_printable(str(fault.__cause__ or fault))}", err=True
    )
