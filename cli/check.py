"""The command ``check``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from cli import output
from cli.app import (
    deployment_options,
    get_deployment,
    json_option,
    rate_option,
    require_intact_tenant,
    tenant_argument,
)
from cli.progress import ProgressLine, explain_interruption, show_progress_line
from scim.service.maintenance.findings import FINDING_TEXTS, Finding, FindingKind
from scim.service.maintenance.tasks import TaskRun
from scim.service.model.maintenance_task import TaskKind
from scim.store.maintenance.check.scratch import Scratch
from scim.wiring import runtime
from scim.wiring.maintenance import Maintenance

_MAX_SAMPLES = 20  # of each kind


@click.command(
    epilog="""\b
Examples:
  muster check acme
  muster check acme --repair
  muster check acme --json | jq -r .subject
"""
)
@tenant_argument
@click.option("--repair", is_flag=True, help="Repair what can be repaired. No user is deleted.")
@click.option(
    "--deprovision-lost",
    is_flag=True,
    help="With --repair: users whose item is lost count as deleted. Your product gets UserDeprovisioned.",
)
@rate_option
@json_option
@deployment_options
def check(tenant_id: str, repair: bool, deprovision_lost: bool, rate: float, json: bool) -> None:
    """Check the stored items of a tenant against each other.

    It compares users, unique keys, index entries, counters, references and change records, while the tenant's identity
    provider can go on. After Ctrl-C, repeat the command on the same machine to continue. The exit code is 1 if problems
    are left.
    """
    if deprovision_lost and not repair:
        raise click.UsageError("--deprovision-lost needs --repair.")
    deployment = get_deployment()
    maintenance = deployment.build_maintenance(rate)
    tenant = require_intact_tenant(maintenance.administration, tenant_id)
    summary = Summary()
    options = f"repair={repair} deprovision_lost={deprovision_lost}"
    details = {"scratch": runtime.new_id(), "options": options}
    before = maintenance.tasks.store.get(TaskKind.CHECK, tenant_id)
    # The problems that a check with other options has found must be found again, for example to repair them.
    is_restart = before is not None and before.details.get("options") != options
    with (
        maintenance.tasks.run(TaskKind.CHECK, tenant_id, is_restart=is_restart, details=details) as run,
        explain_interruption("The check is not complete. To continue it, repeat the command."),
        open_scratch(f"{tenant_id}-{_hash_url(deployment.scim_url)}", run.task.details["scratch"]) as scratch,
        show_progress_line("Check", json=json) as line,
    ):
        if scratch.read_state("step"):
            summary.resume(run.task.counts)
        findings = summary.count(
            maintenance.check(
                tenant,
                scratch,
                CheckProgress(line, run, summary),
                is_repairing=repair,
                is_deprovisioning_lost=deprovision_lost,
            )
        )
        if json:
            output.print_json_lines(map(_build_document, findings))
        else:
            try:
                for _ in findings:
                    pass
            finally:
                line.hide()
                summary.print(maintenance)
    if summary.left:
        raise click.exceptions.Exit(1)


class Summary:
    """The findings so far: all are counted, and the first of each kind are kept."""

    def __init__(self) -> None:
        self.users = 0
        self._counts: Counter[FindingKind] = Counter()
        self._repaired: Counter[FindingKind] = Counter()
        self._samples: dict[FindingKind, list[Finding]] = {}
        self._earlier: Mapping[str, int] = {}

    def resume(self, counts: Mapping[str, int]) -> None:
        """Add the numbers of an interrupted check, which is continued."""
        self._earlier = counts
        self.users = counts.get("users", 0)

    def count(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings and count them."""
        for finding in findings:
            self._counts[finding.kind] += 1
            self._repaired[finding.kind] += finding.is_repaired
            samples = self._samples.setdefault(finding.kind, [])
            if len(samples) < _MAX_SAMPLES:
                samples.append(finding)
            yield finding

    @property
    def left(self) -> int:
        """The number of problems that were not repaired."""
        kinds = (kind for kind in self._counts if kind is not FindingKind.INDEX_ENTRY_UNUSED)
        return self._left_earlier + sum(self._counts[kind] - self._repaired[kind] for kind in kinds)

    @property
    def _left_earlier(self) -> int:
        return self._earlier.get("left", 0)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of findings and repairs, for the task record."""
        return {
            "users": self.users,
            "found": self._earlier.get("found", 0) + self._counts.total(),
            "repaired": self._earlier.get("repaired", 0) + self._repaired.total(),
            "left": self.left,
        }

    def print(self, maintenance: Maintenance) -> None:
        """Print the findings by kind, and what was read."""
        for kind, samples in self._samples.items():
            text, count, repaired = FINDING_TEXTS[kind], self._counts[kind], self._repaired[kind]
            click.echo(f"{kind}: {count:,} found, {repaired:,} repaired")
            click.echo(f"  {text.description}")
            if repaired < count:
                click.echo(f"  The repair (--repair) {text.repair}." if text.repair else f"  {text.advice}")
            for finding in samples:
                click.echo(output.make_printable(f"    {finding.subject}  {finding.detail}".rstrip()))
            if count > len(samples):
                click.echo(f"    and {count - len(samples):,} more; --json lists all")
        if self._left_earlier:
            click.echo(f"Problems that were printed before the interruption, and are left: {self._left_earlier:,}.")
        pacer = maintenance.pacer
        click.echo(
            f"{self.users:,} users checked, {self.left:,} {'problem' if self.left == 1 else 'problems'} left "
            f"({pacer.calls:,} calls, {pacer.read_units:,.0f} read units, {pacer.write_units:,.0f} write units)."
        )


class CheckProgress:
    """Shows the progress of a check, and saves it in the task record."""

    def __init__(self, line: ProgressLine, run: TaskRun, summary: Summary) -> None:
        self._line = line
        self._run = run
        self._summary = summary
        self._step = ""
        self._counts_users = True

    def start_step(self, label: str, total: int | None = None) -> None:
        """Show another step. Only that of the users has a total."""
        self._step = label
        self._counts_users = total is not None
        self._line.start_step(label, total)

    def advance(self, count: int) -> None:
        """Add a number of values."""
        if self._counts_users:
            self._summary.users += count
        self._line.advance(count)
        self._run.save(self._step, self._summary.counts)


def _hash_url(scim_url: str) -> str:
    """Return a part of a file name that differs for each deployment: two can have tables with the same name."""
    return sha256(scim_url.encode()).hexdigest()[:16]


@contextmanager
def open_scratch(name: str, run_id: str) -> Iterator[Scratch]:
    """Open the scratch file of a check, and delete it at the end. After an interruption it is kept.

    A file of another check than ``run_id`` is replaced. Only the user can read it.
    """
    directory = Path(click.get_app_dir("muster"))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"check-{name}.sqlite"
    path.touch(mode=0o600)
    with Scratch(str(path)) as scratch:
        is_continued = scratch.read_state("run") == run_id
        if is_continued:
            yield scratch
    if not is_continued:
        path.unlink()
        path.touch(mode=0o600)
        with Scratch(str(path)) as scratch:
            scratch.save(run=run_id)
            yield scratch
    path.unlink()


def _build_document(finding: Finding) -> dict[str, Any]:
    text = FINDING_TEXTS[finding.kind]
    return {
        "kind": finding.kind,
        "subject": finding.subject,
        "detail": finding.detail,
        "description": text.description,
        "repair": text.repair or None,
        "advice": text.advice or None,
        "repaired": finding.is_repaired,
    }
