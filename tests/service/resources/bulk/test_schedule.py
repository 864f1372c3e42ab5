"""The schedule of a bulk request: every task ends, whatever the results of the others are."""

import random

import pytest

from scim.service.resources.bulk.order import OperationNode, build_graph
from scim.service.resources.bulk.schedule import Schedule

NAMES = "abcdef"
WORKERS = 3


def generate_nodes(rng: random.Random) -> list[OperationNode]:
    """Return operations with few names, so that many of them depend on each other."""

    def choose(count: int) -> frozenset[str]:
        return frozenset(rng.sample(NAMES, rng.randint(0, count)))

    return [
        OperationNode(rng.choice(NAMES), choose(2), unique_values=choose(1))
        if rng.random() < 0.5
        else OperationNode(None, choose(2), rng.choice(["users/1", "users/2", "users/3"]), choose(2))
        for _ in range(rng.randint(1, 12))
    ]


@pytest.mark.parametrize("seed", range(200))
def test_every_task_ends_once(seed: int) -> None:
    """Tasks run in a random order and fail because of random names. Those that create no user free random names."""
    rng = random.Random(seed)  # noqa: S311  # must be repeatable
    nodes = generate_nodes(rng)
    graph = build_graph(nodes)
    schedule = Schedule(graph)
    running: list[tuple[int, int]] = []
    ended: list[int] = []
    for _ in range(1_000):
        if not schedule.is_active:
            break
        if (failed_task := schedule.take_failed(is_idle=not running)) is not None:
            ended.append(failed_task)
            schedule.end(failed_task, frozenset())
            continue
        while len(running) < WORKERS and (task := schedule.take()) is not None:
            assert graph.predecessors[task] <= set(ended)
            running.append((task, schedule.freed_count))
        task, freed_count = running.pop(rng.randrange(len(running)))
        names = frozenset(rng.sample(NAMES, 2))
        freed_names = names if nodes[graph.tasks[task][0]].target else frozenset[str]()
        if rng.random() < 0.3:
            schedule.hold(task, names, freed_count)
        elif schedule.is_awaited(task, freed_names):
            schedule.postpone(task, freed_names)
        else:
            ended.append(task)
            schedule.end(task, freed_names)
    assert sorted(ended) == list(range(len(graph.tasks)))


def build_schedule(*nodes: OperationNode) -> Schedule:
    return Schedule(build_graph(nodes))


def build_node(name: str, *references: str) -> OperationNode:
    return OperationNode(name, frozenset(references), unique_values=frozenset([name]))


def test_task_runs_again_when_an_earlier_one_frees_its_value() -> None:
    schedule = build_schedule(OperationNode(None, target="users/1"), build_node("a"), build_node("b"))
    assert [schedule.take(), schedule.take(), schedule.take()] == [0, 1, 2]
    schedule.hold(1, {"a"}, 0)
    schedule.end(2, frozenset("a"))  # a later task
    assert (schedule.take(), schedule.take_failed(is_idle=False), schedule.waiting) == (None, None, [1])
    schedule.end(0, frozenset("a"))
    assert (schedule.take(), schedule.waiting) == (1, [])


def test_task_runs_again_if_its_value_was_freed_meanwhile() -> None:
    schedule = build_schedule(OperationNode(None, target="users/1"), build_node("a"))
    assert [schedule.take(), schedule.take()] == [0, 1]
    schedule.end(0, frozenset("a"))
    schedule.hold(1, {"a"}, 0)
    assert schedule.take() == 1
    schedule.hold(1, {"a"}, schedule.freed_count)
    assert (schedule.take(), schedule.take_failed(is_idle=True)) == (None, 1)


def test_held_task_fails_if_earlier_ones_wait_for_it() -> None:
    schedule = build_schedule(build_node("a", "b"), build_node("b"))
    assert [schedule.take(), schedule.take()] == [1, None]
    schedule.hold(1, {"b"}, 0)
    assert schedule.take_failed(is_idle=False) is None
    assert schedule.take_failed(is_idle=True) == 1


def test_task_is_postponed_until_earlier_senders_end() -> None:
    schedule = build_schedule(build_node("a"), OperationNode(None, target="users/1"))
    assert [schedule.take(), schedule.take()] == [0, 1]
    assert (schedule.is_awaited(1, {"a"}), schedule.is_awaited(0, {"a"}), schedule.is_awaited(1, {"b"})) == (
        True,
        False,
        False,
    )
    schedule.postpone(1, {"a"})
    assert schedule.take() is None
    schedule.end(0, frozenset())
    assert schedule.take() == 1
