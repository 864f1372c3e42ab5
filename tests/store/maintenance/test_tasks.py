"""Test resumable tasks with their records in the table."""

from contextlib import suppress
from typing import Any

import pytest

from scim.service.maintenance.tasks import SAVE_INTERVAL_S, STALE_AFTER_S, ResumableTaskRunner, TaskConflict
from scim.service.model.maintenance_task import TaskKind, TaskState
from scim.store.maintenance.tasks import DynamoDBTaskStore
from scim.store.table import Table
from scim.wiring.runtime import new_id


class Clock:
    time = 1_000_000.0

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(request_table: Table) -> DynamoDBTaskStore:
    return DynamoDBTaskStore(request_table)


@pytest.fixture
def runner(store: DynamoDBTaskStore, clock: Clock) -> ResumableTaskRunner:
    return ResumableTaskRunner(store, "ada", clock.now, new_id)


def stop_at(runner: ResumableTaskRunner, position: str) -> None:
    """Run a task until a position, where Ctrl-C interrupts it."""
    with suppress(KeyboardInterrupt), runner.run(TaskKind.PURGE, "acme", details={"reason": "test"}) as run:
        run.save(position, {"items": 3})
        raise KeyboardInterrupt


def test_interrupted_task_continues(runner: ResumableTaskRunner) -> None:
    stop_at(runner, "T#|5")
    with runner.run(TaskKind.PURGE, "acme") as run:
        assert (run.task.position, run.task.counts, run.task.details) == ("T#|5", {"items": 3}, {"reason": "test"})


def test_restart_begins_again(runner: ResumableTaskRunner) -> None:
    stop_at(runner, "T#|5")
    with runner.run(TaskKind.PURGE, "acme", is_restart=True) as run:
        assert (run.task.position, run.task.counts) == ("", {})


def test_finished_task_begins_again(runner: ResumableTaskRunner, store: DynamoDBTaskStore) -> None:
    with runner.run(TaskKind.PURGE, "acme") as run:
        run.save("T#|5", {"items": 3})
    finished = store.get(TaskKind.PURGE, "acme")
    assert finished
    assert (finished.state, finished.position, finished.counts) == (TaskState.FINISHED, "", {"items": 3})
    with runner.run(TaskKind.PURGE, "acme") as run:
        assert (run.task.position, run.task.counts) == ("", {})


def test_two_runs_at_the_same_time_conflict(runner: ResumableTaskRunner) -> None:
    with runner.run(TaskKind.PURGE, "acme"):
        with pytest.raises(TaskConflict, match="started by ada"), runner.run(TaskKind.PURGE, "acme"):
            pytest.fail("both run")
        with runner.run(TaskKind.PURGE, "other"), runner.run(TaskKind.CHECK, "acme"):
            pass


def test_stale_task_is_taken_over(runner: ResumableTaskRunner, clock: Clock) -> None:
    """A command that was killed cannot say so. The next one takes over, and the first one may not write any more."""
    killed = runner.run(TaskKind.PURGE, "acme")
    killed_run = killed.__enter__()
    killed_run.save("T#|5", is_due=True)
    clock.time += STALE_AFTER_S
    with runner.run(TaskKind.PURGE, "acme") as run:
        assert run.task.position == "T#|5"
        with pytest.raises(TaskConflict):
            killed_run.save("T#|9", is_due=True)
    with pytest.raises(TaskConflict):
        killed.__exit__(None, None, None)


def test_position_is_saved_every_ten_seconds(
    runner: ResumableTaskRunner, store: DynamoDBTaskStore, clock: Clock
) -> None:
    with runner.run(TaskKind.PURGE, "acme") as run:
        for number in range(3):
            run.save(str(number))
            clock.time += SAVE_INTERVAL_S * 0.4
        saved = store.get(TaskKind.PURGE, "acme")
        assert saved
        assert saved.position == ""
        run.save("3")
        saved = store.get(TaskKind.PURGE, "acme")
        assert saved
        assert saved.position == "3"


def test_lost_start_conflicts(
    runner: ResumableTaskRunner, store: DynamoDBTaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands read the same interrupted task. Only one of them starts."""
    stop_at(runner, "T#|5")
    before = store.get(TaskKind.PURGE, "acme")
    read: Any = DynamoDBTaskStore.get
    with runner.run(TaskKind.PURGE, "acme"), monkeypatch.context() as patch:
        stale_reads = iter([before])
        patch.setattr(DynamoDBTaskStore, "get", lambda *key: next(stale_reads, None) or read(*key))
        with pytest.raises(TaskConflict), runner.run(TaskKind.PURGE, "acme"):
            pytest.fail("both run")
