"""The command ``resync``, which publishes the state of all users as events."""

import uuid
from collections.abc import Iterator

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, require_intact_tenant, tenant_argument
from cli.errors import CommandError
from cli.progress import explain_interruption, show_progress_line
from scim.events.resync import DEFAULT_EVENTS_PER_SECOND, Resync, ResyncEventBuilder, ResyncFailed
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT
from scim.service.model.maintenance_task import TaskKind
from scim.service.model.stored_resource import StoredResource
from scim.wiring import runtime
from scim.wiring.administration import Administration


@click.command(
    epilog="""\b
Examples:
  muster resync acme
  muster resync acme --events-per-second 500 --stack muster
"""
)
@tenant_argument
@click.option(
    "--events-per-second",
    type=click.FloatRange(min=0.1, max=10_000),
    default=DEFAULT_EVENTS_PER_SECOND,
    show_default=True,
    metavar="N",
    help="Publish at most this many events in a second.",
)
@click.option("--restart", is_flag=True, help="Start from the beginning, even if an earlier run was interrupted.")
@json_option
@deployment_options
def resync(tenant_id: str, events_per_second: float, restart: bool, json: bool) -> None:
    """Publish the state of all users of a tenant as events.

    Each user becomes an event UserResynced. The event ResyncCompleted ends the resync. Use it after a restore of the
    table, or for a new consumer of events.

    If the command is interrupted, the next run continues.
    """
    deployment = get_deployment()
    maintenance = deployment.build_maintenance(DEFAULT_RATE_PERCENT)
    administration = maintenance.administration
    tenant = require_intact_tenant(administration, tenant_id)
    publish = deployment.connect_event_bus()
    total, _ = administration.tenant_store.count_users(tenant_id)
    details = {"resync": str(uuid.uuid4())}
    with (
        maintenance.tasks.run(TaskKind.RESYNC, tenant_id, is_restart=restart, details=details) as run,
        explain_interruption("The resync is not complete. To continue it, repeat the command without --restart."),
    ):
        done = run.task.counts.get("users", 0)
        builder = ResyncEventBuilder(tenant_id, tenant.resource_types[0], run.task.details["resync"], run.task.started)
        work = Resync(builder, publish, events_per_second, runtime.current_time, runtime.elapsed_time, runtime.sleep)
        users = _list_users(administration, tenant_id, run.task.position)
        with show_progress_line("Users", total, done=done, json=json) as line:
            try:
                for count in work.run(run, users):
                    line.advance(count)
            except ResyncFailed as error:
                raise CommandError(str(error)) from error
        count = run.task.counts.get("users", 0)
    if json:
        output.print_json({"tenant": tenant_id, "resync": builder.resync_id, "users": count})
    else:
        click.echo(
            f"Published {count:,} {'user' if count == 1 else 'users'} of {tenant_id}. Resync: {builder.resync_id}"
        )


def _list_users(administration: Administration, tenant_id: str, after: str) -> Iterator[StoredResource]:
    """Yield the users after the id ``after``.

    Raise :class:`TenantPurging` at the end if a purge has begun: consumers must not take the users that it has deleted
    for users who were removed.
    """
    yield from administration.tenant_store.list_users(tenant_id, after)
    require_intact_tenant(administration, tenant_id)
