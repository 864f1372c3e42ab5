"""The command ``redrive``, which lists, reprocesses and deletes the messages of the dead-letter queues."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option
from cli.dead_letters import DeadLetter
from cli.errors import CommandError, NotFoundError
from cli.event_services import MAX_IN_FLIGHT, EventServices, NotSent

_NO_LETTERS = "There are no dead letters."
_COLUMNS = ("ID", "QUEUE", "KIND", "SINCE", "TENANT", "USER", "SEQUENCE", "REASON")


@click.command(
    epilog="""\b
Examples:
  muster redrive
  muster redrive --send
  muster redrive --send --id 0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70
  muster redrive --record 'T#acme' 'C#0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70#0000000003'
  muster redrive --json | jq -r .reason | sort | uniq -c
"""
)
@click.option("--send", is_flag=True, help="Process the messages again, and delete those that succeed.")
@click.option("--delete", is_flag=True, help="Delete the messages selected by --id without processing them.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Select this message. Can be repeated.")
@click.option(
    "--record", nargs=2, metavar="PK SK", help="Process the change record with these keys, from a log line 'fault'."
)
@click.option(
    "-n",
    "number",
    default=100,
    type=click.IntRange(1),
    metavar="N",
    help="Maximum number of messages from each queue. Default: 100.",
)
@json_option
@deployment_options
def redrive(
    send: bool, delete: bool, ids: tuple[str, ...], record: tuple[str, str] | None, number: int, json: bool
) -> None:
    """List dead letters, or process them again.

    Without --send, --delete and --record, list the messages of both dead-letter queues with their reasons. After you
    have fixed the cause, process them with --send.
    """
    if delete and (send or not ids):
        raise click.UsageError("--delete requires --id, and cannot be combined with --send.")
    services = get_deployment().connect_event_services()
    if record:
        _process_record(services, *record, json=json)
        return
    with _receive(services, MAX_IN_FLIGHT if ids else number) as letters:
        selected_letters = [letter for letter in letters if not ids or letter.id in ids]
        if missing := set(ids) - {letter.id for letter in selected_letters}:
            raise NotFoundError(f"There is no message {', '.join(sorted(missing))} in the dead-letter queues.")
        if send or delete:
            outcomes = [_delete(services, letter) if delete else _send(services, letter) for letter in selected_letters]
            _print_outcomes(selected_letters, outcomes, json=json)
        else:
            _print_letters(selected_letters, json=json)
        if not ids and number in Counter(letter.queue for letter in letters).values():
            click.echo(f"A queue may have more than {number} messages: repeat the command, or use -n.", err=True)


@contextmanager
def _receive(services: EventServices, number: int) -> Iterator[list[DeadLetter]]:
    """Receive messages. When the context ends, make those that were not deleted visible again."""
    letters: list[DeadLetter] = []
    try:
        letters.extend(services.receive(number))
        yield letters
    finally:
        for letter in letters:
            services.release(letter)


def _process_record(services: EventServices, partition: str, sort: str, *, json: bool) -> None:
    try:
        rejected = services.process_record(partition, sort)
    except NotSent as reason:
        raise CommandError(f"Not processed: {reason}.") from None
    if rejected:
        raise CommandError("The record was rejected again. For the reason, run: muster redrive")
    if json:
        output.print_json({"pk": partition, "sk": sort, "outcome": "done"})
    else:
        click.echo("done")


def _send(services: EventServices, letter: DeadLetter) -> str:
    """Process a message again. Return why that failed, or an empty text if it succeeded."""
    try:
        rejected = services.send_back(letter)
    except NotSent as reason:
        return f"not sent: {reason}"
    return "rejected again: it is in the queue as a new message" if rejected else ""


def _delete(services: EventServices, letter: DeadLetter) -> str:
    """Delete a message. Return an empty text: nothing failed."""
    services.delete(letter)
    return ""


def _build_document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "kind": letter.kind,
        "since": output.format_rfc3339(letter.sent_at),
        "tenant": letter.tenant_id or None,
        "user_id": letter.user_id or None,
        "sequence": letter.sequence,
        "reason": letter.reason,
    }


def _format_row(letter: DeadLetter) -> tuple[str, ...]:
    sequence = "-" if letter.sequence is None else str(letter.sequence)
    since, tenant, user = output.format_time(letter.sent_at), letter.tenant_id or "-", letter.user_id or "-"
    return letter.id, letter.queue, letter.kind, since, tenant, user, sequence, letter.reason


def _print_letters(letters: Sequence[DeadLetter], *, json: bool) -> None:
    if json:
        output.print_json_lines(map(_build_document, letters))
    elif not letters:
        click.echo(_NO_LETTERS)
    else:
        output.print_table(_COLUMNS, map(_format_row, letters))


def _print_outcomes(letters: Sequence[DeadLetter], outcomes: Sequence[str], *, json: bool) -> None:
    if json:
        pairs = zip(letters, outcomes, strict=True)
        output.print_json_lines(_build_document(letter) | {"outcome": outcome or "done"} for letter, outcome in pairs)
    elif not letters:
        click.echo(_NO_LETTERS)
    else:
        for letter, outcome in zip(letters, outcomes, strict=True):
            click.echo(f"{letter.id}  {outcome or 'done'}")
    if failed := sum(map(bool, outcomes)):
        raise CommandError(f"{failed} of {len(letters)} messages failed and are still in a dead-letter queue.")
