"""Find the dependencies between bulk operations (RFC 7644 sections 3.7, 3.7.1 and 3.7.2).

To refer to a resource that another operation creates, an operation has the text ``bulkId:`` and the ``bulkId`` of that
operation in place of the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.json_body import lower_member_names

_BULK_ID_PREFIX = "bulkId:"


@dataclass(frozen=True, slots=True)
class OperationNode:
    """The parts of a bulk operation that determine the order of execution.

    Attributes:
        created_bulk_id: The ``bulkId`` of an operation that creates a resource.
        referenced_bulk_ids: The ``bulkId`` values that the operation refers to.
        target: The path of the resource that a PUT, PATCH or DELETE writes, which may itself contain a reference.
        unique_values: The normalized values of the unique attribute that the operation sends.
    """

    created_bulk_id: str | None = None
    referenced_bulk_ids: frozenset[str] = frozenset()
    target: str | None = None
    unique_values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """The tasks of a bulk request, and the dependencies between them.

    A task is one operation, or all operations of a reference cycle, which are written together. Tasks are numbered in
    the order of their last operations in the request.

    Attributes:
        tasks: The indexes of the operations of each task.
        predecessors: The tasks that must end before each task starts. They form no cycle.
        creators: The index of the operation that creates the resource of each ``bulkId``.
        senders: The tasks that send each unique value.
    """

    tasks: Sequence[Sequence[int]]
    predecessors: Sequence[frozenset[int]]
    creators: Mapping[str, int]
    senders: Mapping[str, Sequence[int]]


def parse_bulk_id_reference(text: str) -> str | None:
    """Return the ``bulkId`` that a text refers to, ``None`` if the text is not a reference."""
    return text.removeprefix(_BULK_ID_PREFIX) if text.startswith(_BULK_ID_PREFIX) else None


def find_bulk_id_references(value: Any) -> Iterator[str]:
    """Yield the ``bulkId`` of each reference anywhere in a JSON value."""
    if isinstance(value, str):
        if (bulk_id := parse_bulk_id_reference(value)) is not None:
            yield bulk_id
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from find_bulk_id_references(member)


def replace_bulk_id_references(value: Any, resolve: Callable[[str], str]) -> Any:
    """Return a JSON value in which each reference is replaced by the id that ``resolve`` returns for its ``bulkId``."""
    if isinstance(value, dict):
        return {name: replace_bulk_id_references(member, resolve) for name, member in value.items()}
    if isinstance(value, list):
        return [replace_bulk_id_references(element, resolve) for element in value]
    bulk_id = parse_bulk_id_reference(value) if isinstance(value, str) else None
    return value if bulk_id is None else resolve(bulk_id)


def find_sent_values(data: Any, attribute_name: str) -> Iterator[str]:
    """Yield the strings that the data of an operation sends for an attribute.

    The attribute is a member of a resource, a member of the value of a PATCH operation, or the path of a PATCH
    operation. Its name can follow the URN of its schema. ``attribute_name`` is in lower case.
    """
    if isinstance(data, list):
        for element in data:
            yield from find_sent_values(element, attribute_name)
    elif isinstance(data, dict):
        for name, member in data.items():
            last_name = _get_last_name(name)
            is_path = last_name == "path" and isinstance(member, str) and _get_last_name(member) == attribute_name
            value = lower_member_names(data).get("value") if is_path else member
            if (is_path or last_name == attribute_name) and isinstance(value, str):
                yield value
            else:
                yield from find_sent_values(member, attribute_name)


def _get_last_name(path: str) -> str:
    """Return the name of an attribute in lower case, without the URN of its schema."""
    return path.rpartition(":")[2].lower()


def build_graph(nodes: Sequence[OperationNode]) -> DependencyGraph:
    """Return the dependencies of operations. References may point to later operations, and may form cycles.

    An operation waits for these operations:

    - those that create the resources that it refers to, unless they are in the same cycle
    - the previous operation on the same resource
    - the previous operation that sends the same unique value, so that the first one gets it
    """
    creators = _find_creators(nodes)
    edges = [
        [creators[bulk_id] for bulk_id in sorted(node.referenced_bulk_ids) if creators.get(bulk_id, index) != index]
        for index, node in enumerate(nodes)
    ]
    last_writes: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.target is not None:
            edges[index] += [last_writes[node.target]] if node.target in last_writes else []
            last_writes[node.target] = index
    components = _find_components(edges)
    _add_edges_by_unique_value(nodes, components, edges)
    tasks = sorted(components, key=max)
    task_numbers = {index: number for number, task in enumerate(tasks) for index in task}
    predecessors = [
        frozenset(task_numbers[successor] for index in task for successor in edges[index]) - {number}
        for number, task in enumerate(tasks)
    ]
    senders: dict[str, list[int]] = {}
    for number, task in enumerate(tasks):
        for value in {value for index in task for value in nodes[index].unique_values}:
            senders.setdefault(value, []).append(number)
    return DependencyGraph(tasks, predecessors, creators, senders)


def _find_creators(nodes: Sequence[OperationNode]) -> dict[str, int]:
    """Return the first operation with each ``bulkId``."""
    creators: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.created_bulk_id is not None:
            creators.setdefault(node.created_bulk_id, index)
    return creators


def _add_edges_by_unique_value(
    nodes: Sequence[OperationNode], components: Sequence[Sequence[int]], edges: Sequence[list[int]]
) -> None:
    """Let each operation wait for the previous one that sends the same unique value.

    The components are in an order in which they can run, so these edges form no cycle.
    """
    last_senders: dict[str, int] = {}
    for component in components:
        values = sorted({value for index in component for value in nodes[index].unique_values})
        edges[component[0]] += [last_senders[value] for value in values if value in last_senders]
        last_senders |= dict.fromkeys(values, component[0])


def _find_components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, each after those that its edges lead to.

    A component is one node, or all nodes of cycles that share nodes, in ascending order. This is Kosaraju's algorithm.
    """
    incoming: list[list[int]] = [[] for _ in edges]
    for index, successors in enumerate(edges):
        for successor in successors:
            incoming[successor].append(index)
    finished = _sort_depth_first(range(len(edges)), edges, set())
    visited = set[int]()
    components = [
        sorted(_sort_depth_first([start], incoming, visited)) for start in reversed(finished) if start not in visited
    ]
    return components[::-1]


def _sort_depth_first(starts: Iterable[int], edges: Sequence[Sequence[int]], visited: set[int]) -> list[int]:
    """Return the nodes that can be reached, each after those that its edges lead to, apart from cycles.

    Nodes in ``visited`` are left out, and all others are added to it. The search is not recursive, so that long chains
    do not exceed Python's recursion limit.
    """
    finished: list[int] = []
    for start in starts:
        stack = [] if start in visited else [(start, iter(edges[start]))]
        visited.add(start)
        while stack:
            index, successors = stack[-1]
            successor = next((successor for successor in successors if successor not in visited), None)
            if successor is None:
                stack.pop()
                finished.append(index)
            else:
                visited.add(successor)
                stack.append((successor, iter(edges[successor])))
    return finished
