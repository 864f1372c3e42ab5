"""What bulk operations wait for."""

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from scim.service.resources.bulk_order import OperationNode, build_graph


def post(makes: str, *refers_to: str) -> OperationNode:
    return OperationNode(makes, frozenset(refers_to), None)


def patch(touches: str, *refers_to: str) -> OperationNode:
    return OperationNode(None, frozenset(refers_to), touches)


def waits(*nodes: OperationNode) -> list[set[int]]:
    return [set(each) for each in build_graph(nodes).waits_for]


def test_a_reference_is_waited_for_in_both_directions() -> None:
    assert waits(post("a", "b"), post("b")) == [{1}, set()]
    assert waits(post("a"), post("b", "a")) == [set(), {0}]


def test_of_a_circle_one_reference_is_not_waited_for() -> None:
    assert waits(post("a", "b"), post("b", "c"), post("c", "a")) == [{1}, {2}, set()]


def test_an_operation_does_not_wait_for_itself_or_for_nobody() -> None:
    assert waits(post("a", "a", "unknown")) == [set()]


def test_what_refers_to_one_of_a_circle_waits_for_all_of_it() -> None:
    assert waits(post("a", "b"), post("b", "a"), patch("users/1", "b"))[2] == {0, 1}


def test_operations_on_one_resource_wait_for_each_other_in_their_order() -> None:
    assert waits(patch("users/1"), patch("users/2"), patch("users/1"), patch("users/1")) == [set(), set(), {0}, {2}]


def test_the_first_of_two_that_make_the_same_is_its_maker() -> None:
    assert build_graph([post("a"), post("a")]).makers == {"a": 0}


NAMES = st.sampled_from("abcdefgh")
NODES = st.lists(
    st.one_of(
        st.builds(OperationNode, NAMES, st.frozensets(NAMES, max_size=3), st.none()),
        st.builds(OperationNode, st.none(), st.frozensets(NAMES, max_size=3), st.sampled_from(["users/1", "users/2"])),
    ),
    max_size=12,
)


@given(NODES)
def test_whatever_refers_to_whatever_there_is_an_order(nodes: list[OperationNode]) -> None:
    order = list(TopologicalSorter(dict(enumerate(build_graph(nodes).waits_for))).static_order())
    assert sorted(order) == list(range(len(nodes)))


def test_a_chain_of_a_thousand_is_followed_without_recursion() -> None:
    nodes = [post(str(number), str(number + 1)) for number in range(1_000)]
    assert waits(*nodes) == [*({number + 1} for number in range(999)), set()]
