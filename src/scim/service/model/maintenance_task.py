"""Tasks: long work of an operator on one tenant, which can be interrupted and continued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TaskKind(StrEnum):
    """The kinds of long work that have a task record. The values are stored."""

    CHECK = "check"
    PURGE = "purge"
    RESYNC = "resync"


class TaskState(StrEnum):
    """The state of a task. The values are stored."""

    RUNNING = "running"
    """A command works on it, or was killed without a chance to say so."""
    INTERRUPTED = "interrupted"
    """A command has stopped before the end. The next one continues."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Task:
    """The record of long work on a tenant. Times are in seconds since 1970.

    Attributes:
        kind: The kind of work.
        tenant_id: The tenant.
        run_id: The id of the run of the command that works on it, or was the last to work on it.
        actor: Who started this run.
        state: The state.
        started: When the work was started.
        updated: When the position was saved last. A running task without a save for
            :data:`scim.service.maintenance.tasks.STALE_AFTER_S` is stale: its command was killed.
        position: Where the next run continues; empty for the beginning. Its meaning depends on the kind. It must not
            contain personal data.
        counts: What was done so far, by name.
        details: Other facts that a later run needs, by name, such as an id that all runs share.
    """

    kind: TaskKind
    tenant_id: str
    run_id: str
    actor: str
    state: TaskState
    started: float
    updated: float
    position: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
