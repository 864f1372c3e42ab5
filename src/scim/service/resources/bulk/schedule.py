"""Decide which task of a bulk request runs next.

Tasks run in parallel, but with the results of the order of the request. RFC 7644 section 3.7 requires the same stateful
result if a server changes the order. Unique values need two rules for this, because which values a task frees is known
only when it writes:

- A task may fail because an earlier task, which frees the value that it needs, has not ended yet. Such a task is
  *held*. It runs again when an earlier task frees the value. It has failed when all earlier tasks have ended.
- A task must not free a value before an earlier task that sends the same value has ended. Otherwise the earlier task
  could get the value. Such a task is *postponed*. It runs again when the earlier task has ended. Only a task that
  writes an existing resource frees a value. No earlier task depends on it, so the earlier task always ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence, Set
from graphlib import TopologicalSorter

from scim.service.resources.bulk.order import DependencyGraph


class Schedule:
    """The tasks of one bulk request. Tasks are identified by their numbers.

    All methods but :meth:`is_awaited` must be called by the same thread.
    """

    def __init__(self, graph: DependencyGraph) -> None:
        self._sorter = TopologicalSorter(dict(enumerate(graph.predecessors)))
        self._sorter.prepare()
        self._senders = graph.senders
        self._ready: list[int] = []
        self._held: dict[int, Set[str]] = {}
        self._postponed: dict[int, Set[str]] = {}
        self._freed: list[tuple[int, str]] = []
        self._has_ended = [False] * len(graph.tasks)
        self._first_unended = 0

    @property
    def is_active(self) -> bool:
        """Whether there are tasks that have not ended."""
        return self._sorter.is_active()

    @property
    def freed_count(self) -> int:
        """The number of unique values that were freed until now."""
        return len(self._freed)

    @property
    def waiting(self) -> Sequence[int]:
        """The tasks that are held or postponed."""
        return [*self._held, *self._postponed]

    def is_awaited(self, task: int, values: Set[str]) -> bool:
        """Return whether an earlier task that sends one of these unique values has not ended."""
        senders = (sender for value in values for sender in self._senders.get(value, ()))
        return any(sender < task and not self._has_ended[sender] for sender in senders)

    def take(self) -> int | None:
        """Return the first task that is ready, ``None`` if there is none."""
        self._add_ready()
        return heapq.heappop(self._ready) if self._ready else None

    def take_failed(self, *, is_idle: bool) -> int | None:
        """Return a held task that has failed, ``None`` if there is none. It is no longer held.

        ``is_idle`` says whether no task is running. If none is ready either, the earlier tasks wait for a held task.
        """
        self._add_ready()
        task = min(self._held, default=None)
        if task is None or not (task == self._first_unended or (is_idle and not self._ready)):
            return None
        del self._held[task]
        return task

    def end(self, task: int, freed_values: Set[str]) -> None:
        """Record that a task has ended, and which unique values it has freed. Release the tasks that waited for it."""
        self._sorter.done(task)
        self._has_ended[task] = True
        while self._first_unended < len(self._has_ended) and self._has_ended[self._first_unended]:
            self._first_unended += 1
        self._freed += [(task, value) for value in freed_values]
        if freed_values:
            self._release(self._held, lambda held, values: held > task and not values.isdisjoint(freed_values))
        self._release(self._postponed, lambda postponed, values: not self.is_awaited(postponed, values))

    def hold(self, task: int, values: Set[str], freed_count: int) -> None:
        """Hold a task that failed because other resources have the unique values ``values``.

        ``freed_count`` is the value of :attr:`freed_count` when the task started. If an earlier task has freed one of
        the values since then, the task is ready.
        """
        if any(freeing_task < task and value in values for freeing_task, value in self._freed[freed_count:]):
            heapq.heappush(self._ready, task)
        else:
            self._held[task] = values

    def postpone(self, task: int, values: Set[str]) -> None:
        """Postpone a task that would free unique values which earlier tasks send, until those have ended."""
        if self.is_awaited(task, values):
            self._postponed[task] = values
        else:
            heapq.heappush(self._ready, task)

    def _add_ready(self) -> None:
        for task in self._sorter.get_ready():
            heapq.heappush(self._ready, task)

    def _release(self, waiting: dict[int, Set[str]], is_ready: Callable[[int, Set[str]], bool]) -> None:
        """Move the waiting tasks that are ready."""
        for task in [task for task, values in waiting.items() if is_ready(task, values)]:
            del waiting[task]
            heapq.heappush(self._ready, task)
