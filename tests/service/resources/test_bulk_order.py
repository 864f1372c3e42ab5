"""The dependencies of bulk operations."""

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from scim.service.resources.bulk_order import (
    OperationNode,
    build_graph,
    find_bulk_id_references,
    replace_bulk_id_references,
)


def post(bulk_id: str, *references: str) -> OperationNode:
    return OperationNode(bulk_id, frozenset(references))


def patch(target: str, *references: str) -> OperationNode:
    return OperationNode(None, frozenset(references), target)


def list_predecessors(*nodes: OperationNode) -> list[set[int]]:
    return [set(predecessors) for predecessors in build_graph(nodes).predecessors]


def test_reference_to_earlier_or_later_operation() -> None:
    assert list_predecessors(post("a", "b"), post("b")) == [{1}, set()]
    assert list_predecessors(post("a"), post("b", "a")) == [set(), {0}]


def test_one_reference_of_a_cycle_is_ignored() -> None:
    assert list_predecessors(post("a", "b"), post("b", "c"), post("c", "a")) == [{1}, {2}, set()]


def test_self_or_unknown_reference_is_no_dependency() -> None:
    assert list_predecessors(post("a", "a", "unknown")) == [set()]


def test_reference_into_cycle_waits_for_whole_cycle() -> None:
    assert list_predecessors(post("a", "b"), post("b", "a"), patch("users/1", "b"))[2] == {0, 1}


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
        st.builds(OperationNode, NAMES, st.frozensets(NAMES, max_size=3)),
        st.builds(OperationNode, st.none(), st.frozensets(NAMES, max_size=3), st.sampled_from(["users/1", "users/2"])),
    ),
    max_size=12,
)


@given(NODES)
def test_there_is_always_an_order(nodes: list[OperationNode]) -> None:
    order = list(TopologicalSorter(dict(enumerate(build_graph(nodes).predecessors))).static_order())
    assert sorted(order) == list(range(len(nodes)))


def test_chain_of_a_thousand_needs_no_recursion() -> None:
    nodes = [post(str(number), str(number + 1)) for number in range(1_000)]
    assert list_predecessors(*nodes) == [*({number + 1} for number in range(999)), set()]


def test_references_anywhere_in_a_value() -> None:
    value = {"a": ["bulkId:x", {"b": "bulkId:y"}, 7, None, "no bulkId:z"], "c": "bulkId:"}
    assert list(find_bulk_id_references(value)) == ["x", "y", ""]
    assert replace_bulk_id_references(value, lambda bulk_id: f"<{bulk_id}>") == {
        "a": ["<x>", {"b": "<y>"}, 7, None, "no bulkId:z"],
        "c": "<>",
    }
