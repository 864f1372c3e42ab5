"""Execute the operations of one bulk request, in an order that their dependencies allow."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from scim.service.resources.bulk.order import DependencyGraph
from scim.service.resources.bulk.schedule import Schedule
from scim.service.resources.bulk.state import BulkOperationState
from scim.service.resources.bulk.task_runner import TaskRunner


@dataclass(frozen=True, slots=True)
class BulkExecutor:
    """Executes the operations of one bulk request."""

    states: Sequence[BulkOperationState]
    graph: DependencyGraph
    runner: TaskRunner

    def execute(self, workers: int, max_errors: int | None) -> None:
        """Execute each task after the tasks that it depends on, otherwise in the order of the request.

        At most ``workers`` tasks run in parallel. Stop after ``max_errors`` errors, ``None`` for no limit. The
        operations that were not executed have no status.
        """
        schedule = Schedule(self.graph)
        running: dict[Future[None], tuple[int, int]] = {}
        error_count = 0
        with ThreadPoolExecutor(workers) as pool:
            while schedule.is_active and (max_errors is None or error_count < max_errors):
                if (failed_task := schedule.take_failed(is_idle=not running)) is not None:
                    error_count += self._end(schedule, failed_task)
                    continue
                while len(running) < workers and (task := schedule.take()) is not None:
                    is_awaited = partial(schedule.is_awaited, task)
                    future = pool.submit(self.runner.run, self._list_states(task), is_awaited)
                    running[future] = task, schedule.freed_count
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    error_count += self._process_attempt(schedule, *running.pop(future))
        for task in schedule.waiting:  # failOnErrors has ended the request
            for state in self._list_states(task):
                state.reset()

    def _process_attempt(self, schedule: Schedule, task: int, freed_count: int) -> int:
        """End a task, unless it must wait because of unique values. Return the number of new errors.

        ``freed_count`` is the number of unique values that were freed before the attempt.
        """
        changes = [state.unique_values for state in self._list_states(task)]
        conflicting_values = {value for change in changes for value in change.conflicting}
        awaited_values = {value for change in changes for value in change.awaited}
        if conflicting_values:
            schedule.hold(task, conflicting_values, freed_count)
        elif awaited_values:
            schedule.postpone(task, awaited_values)
        else:
            return self._end(schedule, task)
        return 0

    def _end(self, schedule: Schedule, task: int) -> int:
        """End a task, and return the number of its operations that have failed."""
        states = self._list_states(task)
        schedule.end(task, {value for state in states for value in state.unique_values.freed})
        return sum(state.error is not None for state in states)

    def _list_states(self, task: int) -> list[BulkOperationState]:
        return [self.states[index] for index in self.graph.tasks[task]]
