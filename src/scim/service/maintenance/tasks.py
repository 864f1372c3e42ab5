"""Run resumable work: only one command at a time works on a task, and the next one continues where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from scim.service.maintenance.ports import TaskStore
from scim.service.model.maintenance_task import Task, TaskKind, TaskState
from scim.service.model.stored_resource import VersionConflict
from scim.service.model.timestamps import format_rfc3339

SAVE_INTERVAL_S = 10.0
"""How often a run saves its position, in seconds."""
STALE_AFTER_S = 180.0
"""A running task without a save for this many seconds is stale: another run may continue it."""


class TaskConflict(Exception):
    """Another command works on the same task."""


class TaskRun:
    """The present run of a task. Save the position often: :meth:`save` writes at most every ten seconds."""

    def __init__(self, store: TaskStore, task: Task, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.task = task

    def save(self, position: str, counts: Mapping[str, int] | None = None, *, is_due: bool = False) -> None:
        """Keep the position and the counts, and write them if the last save is ten seconds ago or ``is_due``.

        Raise :class:`TaskConflict` if another command has taken over the task.
        """
        self.task = replace(self.task, position=position, counts=self.task.counts if counts is None else dict(counts))
        if is_due or self._now() - self.task.updated >= SAVE_INTERVAL_S:
            self._write(TaskState.RUNNING)

    def finish(self) -> None:
        """Mark the task as finished. The next run starts from the beginning."""
        self.task = replace(self.task, position="")
        self._write(TaskState.FINISHED)

    def interrupt(self) -> None:
        """Save the position, so that another run can continue immediately."""
        self._write(TaskState.INTERRUPTED)

    def _write(self, state: TaskState) -> None:
        task = replace(self.task, state=state, updated=self._now())
        try:
            self._store.write(self.task, task)
        except VersionConflict:
            raise _build_conflict(self._store.get(task.kind, task.tenant_id) or task) from None
        self.task = task


@dataclass(frozen=True, slots=True)
class ResumableTaskRunner:
    """Starts runs of tasks. ``now`` returns the seconds since 1970, and ``new_id`` a new random id."""

    store: TaskStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    @contextmanager
    def run(
        self, kind: TaskKind, tenant_id: str, *, is_restart: bool = False, details: Mapping[str, str] | None = None
    ) -> Iterator[TaskRun]:
        """Start a task, or continue an interrupted or stale one from its position. Finish it at the end of the block.

        With ``is_restart``, an interrupted task starts from the beginning. ``details`` are those of a new task; a
        continued one keeps its own. Any exception in the block, and Ctrl-C, leaves the task interrupted, and the next
        run continues.

        Raise :class:`TaskConflict` if another command works on the task.
        """
        run = TaskRun(self.store, self._start(kind, tenant_id, is_restart=is_restart, details=details or {}), self.now)
        try:
            yield run
        except TaskConflict:
            raise
        except BaseException:
            run.interrupt()
            raise
        run.finish()

    def require_no_other(self, kind: TaskKind, tenant_id: str) -> None:
        """Raise :class:`TaskConflict` if another command works on a task of the tenant that is not of this kind."""
        for other in set(TaskKind) - {kind}:
            if (task := self.store.get(other, tenant_id)) and self._is_running(task):
                raise _build_conflict(task)

    def _is_running(self, task: Task) -> bool:
        return task.state is TaskState.RUNNING and self.now() - task.updated < STALE_AFTER_S

    def _start(self, kind: TaskKind, tenant_id: str, *, is_restart: bool, details: Mapping[str, str]) -> Task:
        before, now = self.store.get(kind, tenant_id), self.now()
        if before and self._is_running(before):
            raise _build_conflict(before)
        if before is None or before.state is TaskState.FINISHED or is_restart:
            task = Task(kind, tenant_id, self.new_id(), self.actor, TaskState.RUNNING, now, now, details=details)
        else:
            task = replace(before, run_id=self.new_id(), actor=self.actor, state=TaskState.RUNNING, updated=now)
        try:
            self.store.write(before, task)
        except VersionConflict:
            raise _build_conflict(self.store.get(kind, tenant_id) or task) from None
        return task


def _build_conflict(task: Task) -> TaskConflict:
    return TaskConflict(
        f"Another command works on this: {task.kind} of {task.tenant_id}, started by {task.actor}, last active at "
        f"{format_rfc3339(task.updated)}. Wait until it ends. If it was killed, repeat the command "
        f"{STALE_AFTER_S:.0f} seconds after that time."
    )
