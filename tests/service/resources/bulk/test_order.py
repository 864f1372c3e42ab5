"""The dependencies of bulk operations."""

from graphlib import TopologicalSorter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.service.resources.bulk.order import (
    OperationNode,
    build_graph,
    find_bulk_id_references,
    find_sent_values,
    replace_bulk_id_references,
)
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE


def post(bulk_id: str, *references: str, name: str | None = None) -> OperationNode:
    return OperationNode(bulk_id, frozenset(references), unique_values=frozenset([name or bulk_id]))


def patch(target: str, *references: str, name: str | None = None) -> OperationNode:
    return OperationNode(None, frozenset(references), target, frozenset([name] if name else []))


def list_predecessors(*nodes: OperationNode) -> list[set[int]]:
    return [set(predecessors) for predecessors in build_graph(nodes).predecessors]


def list_tasks(*nodes: OperationNode) -> list[list[int]]:
    return list(map(list, build_graph(nodes).tasks))


def test_reference_to_earlier_or_later_operation() -> None:
    assert list_predecessors(post("a", "b"), post("b")) == [{1}, set()]
    assert list_predecessors(post("a"), post("b", "a")) == [set(), {0}]


def test_cycle_is_one_task() -> None:
    assert list_tasks(post("a", "b"), post("x"), post("b", "c"), post("c", "a"), post("y")) == [[1], [0, 2, 3], [4]]
    assert list_tasks(post("a", "b"), post("b", "a", "c"), post("c", "d"), post("d", "c")) == [[0, 1], [2, 3]]
    assert list_predecessors(post("a", "b"), post("b", "a", "c"), post("c", "d"), post("d", "c")) == [{1}, set()]


def test_self_or_unknown_reference_is_no_dependency() -> None:
    assert list_predecessors(post("a", "a", "unknown")) == [set()]


def test_reference_into_cycle_waits_for_whole_cycle() -> None:
    assert list_predecessors(post("a", "b"), post("b", "a"), patch("users/1", "b")) == [set(), {0}]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([post("a", name="x"), post("b"), post("c", name="x")], [set(), set(), {0}]),
        ([patch("users/1", name="x"), patch("users/2", name="x"), post("x")], [set(), {0}, {1}]),
        ([post("a", "b", name="x"), post("b", name="x")], [{1}, set()]),
        ([post("a", "b", name="x"), post("b", "a", name="x")], [set()]),
        ([patch("users/1", "b", name="x"), post("b", name="x")], [{1}, set()]),
    ],
    ids=["creates", "renames", "reference", "cycle", "rename with a reference"],
)
def test_operations_that_send_one_unique_value_keep_order(nodes: list[OperationNode], expected: list[set[int]]) -> None:
    """A reference to a later operation takes precedence."""
    assert list_predecessors(*nodes) == expected


def test_operations_on_one_resource_keep_order() -> None:
    assert list_predecessors(patch("users/1"), patch("users/2"), patch("users/1"), patch("users/1")) == [
        set(),
        set(),
        {0},
        {2},
    ]


def test_first_operation_with_bulk_id_is_creator() -> None:
    assert build_graph([post("a"), post("a")]).creators == {"a": 0}


NAMES = st.sampled_from("abcdefgh")
NODES = st.lists(
    st.one_of(
        st.builds(OperationNode, NAMES, st.frozensets(NAMES, max_size=3), unique_values=st.frozensets(NAMES)),
        st.builds(
            OperationNode,
            st.none(),
            st.frozensets(NAMES, max_size=3),
            st.sampled_from(["users/1", "users/2"]),
            st.frozensets(NAMES, max_size=2),
        ),
    ),
    max_size=12,
)


@given(NODES)
def test_there_is_always_an_order(nodes: list[OperationNode]) -> None:
    graph = build_graph(nodes)
    order = list(TopologicalSorter(dict(enumerate(graph.predecessors))).static_order())
    assert sorted(index for task in order for index in graph.tasks[task]) == list(range(len(nodes)))


def test_chain_of_a_thousand_needs_no_recursion() -> None:
    nodes = [post(str(number), str(number + 1)) for number in range(1_000)]
    assert list_predecessors(*nodes) == [*({number + 1} for number in range(999)), set()]


def test_cycle_of_a_thousand_needs_no_recursion() -> None:
    assert list_tasks(*(post(str(number), str((number + 1) % 1_000)) for number in range(1_000))) == [
        list(range(1_000))
    ]


def test_many_references_are_processed_in_linear_time() -> None:
    """1 MB has room for about 100,000 references."""
    creates = [post(f"{number}", *(f"{other}" for other in range(number))) for number in range(400)]
    nodes = [*creates, *(patch(f"users/{number}", *(f"{other}" for other in range(100))) for number in range(600))]
    check_cpu_units(lambda: build_graph(nodes), limit=60)


def test_references_anywhere_in_a_value() -> None:
    value = {"a": ["bulkId:x", {"b": "bulkId:y"}, 7, None, "no bulkId:z"], "c": "bulkId:"}
    assert list(find_bulk_id_references(value)) == ["x", "y", ""]
    assert replace_bulk_id_references(value, lambda bulk_id: f"<{bulk_id}>") == {
        "a": ["<x>", {"b": "<y>"}, 7, None, "no bulkId:z"],
        "c": "<>",
    }


@pytest.mark.parametrize(
    "data",
    [
        {"userName": "bob"},
        {"USERNAME": "bob", "title": "Chef"},
        {"Operations": [{"op": "replace", "path": "userName", "value": "bob"}]},
        {"operations": [{"op": "add", "Path": f"{CORE}:UserName", "VALUE": "bob"}]},
        {"Operations": [{"op": "replace", "value": {"userName": "bob"}}]},
        {"Operations": [{"op": "replace", "value": {f"{CORE}:userName": "bob"}}]},
        {"Operations": [{"op": "replace", "value": {CORE: {"userName": "bob"}}}]},
        {"Operations": [{"op": "replace", "path": CORE, "value": {"userName": "bob"}}]},
        {"Operations": [{"op": "replace", "path": "title", "value": 1}, {"path": "userName", "value": "bob"}]},
    ],
)
def test_sent_value_is_found_in_every_form(data: Any) -> None:
    assert list(find_sent_values(data, "username")) == ["bob"]


@pytest.mark.parametrize(
    "data",
    [
        None,
        "userName",
        {"userName": None},
        {"userName": 7},
        {"displayName": "bob"},
        {"Operations": [{"op": "remove", "path": "userName"}]},
        {"Operations": [{"path": "displayName", "value": "bob"}]},
    ],
)
def test_other_values_are_not_sent_values(data: Any) -> None:
    assert list(find_sent_values(data, "username")) == []
