"""The commands ``purge``, ``certificates`` and ``erase``, which delete data for good."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

import click

from cli import output
from cli.app import (
    build_unknown_tenant_error,
    deployment_options,
    get_deployment,
    json_option,
    rate_option,
    require_intact_tenant,
    tenant_argument,
)
from cli.completion import complete_tenants
from cli.errors import CommandError, ConflictError, NotFoundError
from cli.event_services import MAX_IN_FLIGHT, EventServices
from cli.progress import explain_interruption, show_elapsed_time, show_progress_line
from cli.tokens import yes_option
from scim.service.maintenance.erasure import PersonProvisioned, UserLost
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT
from scim.service.model.maintenance.certificate import PurgeCertificate
from scim.service.model.maintenance_task import TaskKind
from scim.service.model.stored_resource import VersionConflict
from scim.wiring import runtime

_DISCONNECTED_ONLY = "Only a disconnected tenant can be purged."


@click.command(
    epilog="""\b
Examples:
  muster disconnect acme && muster purge acme
  muster purge acme --yes --json > certificate.json
"""
)
@tenant_argument
@click.option("--yes", is_flag=True, help="Do not ask for the id of the tenant.")
@rate_option
@json_option
@deployment_options
def purge(tenant_id: str, yes: bool, rate: float, json: bool) -> None:
    """Delete everything of a disconnected tenant.

    This deletes its users, records, settings, audit log, secret and dead letters, and prints a certificate. It cannot
    be undone. If the command is interrupted, repeat it.
    """
    deployment = get_deployment()
    maintenance = deployment.build_maintenance(rate)
    administration = maintenance.administration
    before = administration.tenant_store.get(tenant_id)
    if before is None:
        raise _build_missing_tenant_error(tenant_id, list(maintenance.purge_store.list_certificates(tenant_id)))
    if before.is_connected:
        raise ConflictError(f"{tenant_id} is connected. {_DISCONNECTED_ONLY} First run: muster disconnect {tenant_id}")
    if not yes:
        _confirm(tenant_id, administration.tenant_store.count_users(tenant_id)[0])
    services = deployment.connect_event_services()
    use_case = maintenance.build_tenant_purge(tenant_id, deployment.list_remaining_copies)
    details = {"purge": runtime.new_id()}
    tenant = use_case.begin(tenant_id)
    # A check that repairs could write records of users that are not deleted yet. No other command can start any more.
    maintenance.tasks.require_no_other(TaskKind.PURGE, tenant_id)
    with (
        maintenance.tasks.run(TaskKind.PURGE, tenant_id, is_restart=not before.is_purging, details=details) as run,
        explain_interruption("The purge is not complete. To continue it, repeat the command."),
    ):
        total = maintenance.purge_store.count_items(tenant_id)
        with show_progress_line("Items", total, json=json) as line:
            for number in use_case.delete(tenant, run):
                line.advance(number)
        with show_elapsed_time("Dead letters", json=json):
            letters = _delete_letters(services, tenant_id)
            run.save("", {**run.task.counts, "dead_letters": run.task.counts.get("dead_letters", 0) + letters})
        try:
            certificate = use_case.finish(tenant, run)
        except VersionConflict:
            raise ConflictError(
                f"The settings of {tenant_id} were changed at the same time. Repeat the command."
            ) from None
    _print_certificate(certificate, json=json)


@click.command(
    epilog="""\b
Examples:
  muster certificates
  muster certificates acme --json
"""
)
@click.argument("tenant_id", metavar="[TENANT]", default="", shell_complete=complete_tenants)
@json_option
@deployment_options
def certificates(tenant_id: str, json: bool) -> None:
    """List the certificates of purged tenants.

    With TENANT, show the certificates of this tenant in full.
    """
    stored = get_deployment().build_maintenance(DEFAULT_RATE_PERCENT).purge_store.list_certificates(tenant_id)
    if json:
        output.print_json_lines(map(asdict, stored))
    elif tenant_id:
        for certificate in stored:
            _print_certificate(certificate, json=False)
    else:
        columns = ("TENANT", "PURGED", "ITEMS", "LAST COPY EXPIRES", "BY")
        output.print_table(columns, map(_format_row, stored))


@click.command(
    epilog="""\b
Examples:
  muster erase acme ada@example.com
  muster erase acme 0a21f0f2-4e5c-4a3f-9d4e-3b6c1d2e8f70 --yes
"""
)
@tenant_argument
@click.argument("person")
@yes_option
@rate_option
@json_option
@deployment_options
def erase(tenant_id: str, person: str, yes: bool, rate: float, json: bool) -> None:
    """Erase the traces of a deleted person.

    The identity provider must have deleted the person. PERSON is the id, userName, externalId or email address of the
    deleted user. The command deletes change records, failure records, bookmarks and dead letters that name the person.
    Your product receives the event UserErased.
    """
    deployment = get_deployment()
    maintenance = deployment.build_maintenance(rate)
    eraser = maintenance.build_person_eraser(require_intact_tenant(maintenance.administration, tenant_id))
    try:
        with show_elapsed_time("Searching", json=json):
            traces = eraser.find(person)
    except (PersonProvisioned, UserLost) as error:
        raise ConflictError(str(error)) from None
    if not yes:
        click.confirm(_describe_traces(person, len(traces.users)), abort=True, err=True)
    erasure = eraser.erase(traces)
    if erasure.is_empty:
        raise NotFoundError(f"There are no traces of {person} in {tenant_id}. Try the id of the deleted user.")
    letters = _delete_letters(deployment.connect_event_services(), tenant_id, erasure.user_ids)
    deleted = {**erasure.deleted, "dead_letters": letters}
    if json:
        output.print_json(
            {
                "tenant": tenant_id,
                "user_ids": list(erasure.user_ids),
                "deleted": deleted,
                "referring_user_ids": list(erasure.referrer_ids),
            }
        )
        return
    output.print_fields({_format_kind(kind): f"{number:,}" for kind, number in deleted.items()})
    for user_id in erasure.user_ids:
        click.echo(f"The event UserErased is published for {user_id}.")
    if erasure.referrer_ids:
        count = len(erasure.referrer_ids)
        click.echo(
            f"{count:,} {'user still refers' if count == 1 else 'users still refer'} to {person}, for example as "
            "manager. Change these values in the identity provider."
        )


def _build_missing_tenant_error(tenant_id: str, certificates: Sequence[PurgeCertificate]) -> NotFoundError:
    if certificates:
        return NotFoundError(
            f"{tenant_id} was purged at {output.format_time(certificates[-1].finished)}. Its certificate: "
            f"muster certificates {tenant_id}"
        )
    return build_unknown_tenant_error(tenant_id)


def _confirm(tenant_id: str, users: int) -> None:
    click.echo(f"This deletes {tenant_id} with {users:,} users, its settings and its audit log for good.", err=True)
    if click.prompt("Enter the id of the tenant", err=True) != tenant_id:
        raise CommandError(f"That is not the id of the tenant, {tenant_id}. Nothing was deleted.")


def _describe_traces(person: str, users: int) -> str:
    count = f"{users} deleted {'user' if users == 1 else 'users'}"
    return f"Erase all records that name {person} ({count})? This cannot be undone."


def _delete_letters(services: EventServices, tenant_id: str, user_ids: Collection[str] | None = None) -> int:
    """Delete the dead letters of a tenant, or only those of some users. Return how many."""
    deleted = 0
    received = []
    try:
        for letter in services.receive(MAX_IN_FLIGHT):
            received.append(letter)
            if letter.tenant_id == tenant_id and (user_ids is None or letter.user_id in user_ids):
                services.delete(letter)
                deleted += 1
    finally:
        for letter in received:
            services.release(letter)
    return deleted


def _format_kind(kind: str) -> str:
    return kind.replace("_", " ")


def _format_row(certificate: PurgeCertificate) -> tuple[str, ...]:
    return (
        certificate.tenant_id,
        output.format_time(certificate.finished),
        f"{sum(certificate.deleted.values()):,}",
        _find_last_expiry(certificate),
        certificate.actor,
    )


def _find_last_expiry(certificate: PurgeCertificate) -> str:
    """Return when the last copy expires, ``-`` for no copies, and ``never`` if one must be deleted by hand."""
    times = [copy.until for copy in certificate.remaining_copies]
    return "never" if "" in times else output.format_optional_time(max(times, default=""))


def _print_certificate(certificate: PurgeCertificate, *, json: bool) -> None:
    if json:
        output.print_json(asdict(certificate))
        return
    output.print_fields(
        {
            "Certificate": certificate.id,
            "Tenant": certificate.tenant_id,
            "Purged by": certificate.actor,
            "Started": output.format_time(certificate.started),
            "Finished": output.format_time(certificate.finished),
        }
    )
    click.echo("\nDeleted, with the secret and the settings:")
    deleted = certificate.deleted or {"items": 0}
    output.print_fields({f"  {_format_kind(kind)}": f"{number:,}" for kind, number in deleted.items()})
    click.echo("\nCopies that remain:")
    if not certificate.remaining_copies:
        click.echo("  none")
    for copy in certificate.remaining_copies:
        until = f"until {output.format_time(copy.until)}" if copy.until else "until you delete it"
        click.echo(f"  {copy.location}, {until}: {copy.content}")
