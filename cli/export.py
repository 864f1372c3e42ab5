"""The command ``export``, which writes all users as JSON lines."""

import json
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from cli.app import deployment_options, get_deployment, rate_option, require_intact_tenant, tenant_argument
from cli.errors import ConflictError, NotFoundError
from cli.output import print_json
from cli.progress import explain_interruption, show_progress_line
from scim.service.resources.rendering import ResourceRenderer


@dataclass(frozen=True, slots=True)
class ExportPosition:
    """Where an export continues: after the user with the id ``after``, and after ``count`` users."""

    after: str = ""
    count: int = 0


@click.command(
    epilog="""\b
Examples:
  muster export acme --output acme.jsonl
  muster export acme --output acme.jsonl --resume
  muster export acme | gzip > acme.jsonl.gz
"""
)
@tenant_argument
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this new file. Only you can read it. Default: standard output.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted export to the same file.")
@rate_option
@click.option("--json", "is_json", is_flag=True, help="Output the summary as JSON. Requires --output.")
@deployment_options
def export(tenant_id: str, output: Path | None, resume: bool, rate: float, is_json: bool) -> None:
    """Write all users of a tenant as JSON lines.

    Each line is a user as GET returns it, in the order of ids. The export has every user that exists from the beginning
    to the end, exactly once. Users who are created or deleted during the export may be missing.

    Until the export is complete, the file is named FILE.part. If the command is interrupted, add --resume to continue.
    """
    if resume and output is None:
        raise click.UsageError("--resume requires --output.")
    if is_json and output is None:
        raise click.UsageError("--json requires --output. Without it, standard output has the users.")
    deployment = get_deployment()
    maintenance = deployment.build_maintenance(rate)
    store = maintenance.administration.tenant_store
    tenant = require_intact_tenant(maintenance.administration, tenant_id)
    render = ResourceRenderer(tenant.resource_types[0], deployment.scim_url).compile_json_renderer()
    total, _ = store.count_users(tenant_id)
    with _open_output(output, is_resumed=resume) as (file, position):
        count = position.count
        with show_progress_line(
            "Users", total, done=count, json=is_json or (output is None and sys.stdout.isatty())
        ) as line:
            for user in store.list_users(tenant_id, position.after):
                file.write(render(user).encode() + b"\n")
                line.advance(1)
                count += 1
    if is_json:
        print_json({"tenant": tenant_id, "users": count, "output": str(output)})
        return
    where = f" to {output}" if output else ""
    click.echo(f"Exported {count:,} {'user' if count == 1 else 'users'} of {tenant_id}{where}.", err=True)


@contextmanager
def _open_output(path: Path | None, *, is_resumed: bool) -> Iterator[tuple[BinaryIO, ExportPosition]]:
    """Open the file of an export, and return it with the position. Give it its name at the end of the block.

    Raise :class:`ConflictError` if the file exists, and :class:`NotFoundError` if there is no export to continue.
    """
    if path is None:
        stream = sys.stdout.buffer
        yield stream, ExportPosition()
        stream.flush()
        return
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        raise ConflictError(f"{path} already exists. Choose another name, or delete it.")
    if is_resumed and not part.exists():
        raise NotFoundError(f"There is no {part} to continue. Run the command without --resume.")
    if not is_resumed and part.exists():
        raise ConflictError(f"{part} is an interrupted export. Add --resume to continue it, or delete it.")
    with (
        open(part, "r+b" if is_resumed else "x+b", opener=_open_private) as file,
        explain_interruption(f"{part} is not complete. To continue it, repeat the command with --resume."),
    ):
        position = find_position(file) if is_resumed else ExportPosition()
        file.seek(0, os.SEEK_END)
        yield file, position
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _open_private(path: str, flags: int) -> int:
    """Open a file. If it is new, only its owner can read it."""
    return os.open(path, flags, 0o600)


def find_position(file: BinaryIO) -> ExportPosition:
    """Return where an interrupted export continues, and cut off an incomplete line at its end."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return ExportPosition()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = content.rfind(b"\n") + 1
        last_line = content[content.rfind(b"\n", 0, end - 1) + 1 : end] if end else b""
        count = sum(1 for _ in iter(content.readline, b"")) - (end < size)
    file.truncate(end)
    return ExportPosition(json.loads(last_line)["id"], count) if end else ExportPosition()
