"""Find the dependencies between bulk operations (RFC 7644 sections 3.7.1 and 3.7.2).

To refer to a resource that another operation creates, an operation has the text ``bulkId:`` and the ``bulkId`` of that
operation in place of the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BULK_ID_PREFIX = "bulkId:"


@dataclass(frozen=True, slots=True)
class OperationNode:
    """The parts of a bulk operation that determine the order of execution.

    ``created_bulk_id`` is the ``bulkId`` of an operation that creates a resource. ``referenced_bulk_ids`` are the
    ``bulkId`` values that the operation refers to. ``target`` is the path of the resource that a PUT, PATCH or DELETE
    writes, which may itself contain a reference.
    """

    created_bulk_id: str | None = None
    referenced_bulk_ids: frozenset[str] = frozenset()
    target: str | None = None


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """The dependencies between operations, which are identified by their index in the request.

    ``predecessors`` has for each operation the operations that must end before it starts. It has no cycles.
    ``creators`` maps each ``bulkId`` to the operation that creates its resource.
    """

    predecessors: Sequence[frozenset[int]]
    creators: Mapping[str, int]


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


def build_graph(nodes: Sequence[OperationNode]) -> DependencyGraph:
    """Return the dependencies of operations. References may point to later operations, and may form cycles.

    An operation that creates a resource waits for the operations that create the resources that it refers to, except
    for one reference in each cycle. Any other operation waits for all creating operations that its references reach,
    directly or through other operations. It also waits for the previous operation on the same resource.
    """
    creators: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.created_bulk_id is not None:
            creators.setdefault(node.created_bulk_id, index)
    references = [
        [creators[bulk_id] for bulk_id in sorted(node.referenced_bulk_ids) if creators.get(bulk_id, index) != index]
        for index, node in enumerate(nodes)
    ]
    predecessors = _remove_back_edges(references)
    last_writes: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.target is not None:
            predecessors[index] = _find_reachable(index, references)
            if node.target in last_writes:
                predecessors[index].add(last_writes[node.target])
            last_writes[node.target] = index
    return DependencyGraph(list(map(frozenset, predecessors)), creators)


def _find_reachable(start: int, edges: Sequence[Sequence[int]]) -> set[int]:
    """Return the indexes of all nodes that can be reached from a node."""
    reachable, unvisited = set[int](), list(edges[start])
    while unvisited:
        index = unvisited.pop()
        if index not in reachable:
            reachable.add(index)
            unvisited += edges[index]
    return reachable


def _remove_back_edges(edges: Sequence[Sequence[int]]) -> list[set[int]]:
    """Return the edges without those that close a cycle in a depth-first search.

    The search is not recursive, so that long chains do not exceed Python's recursion limit.
    """
    acyclic: list[set[int]] = [set() for _ in edges]
    finished, on_path = set[int](), set[int]()
    for start in range(len(edges)):
        if start in finished:
            continue
        on_path.add(start)
        stack: list[tuple[int, Iterator[int]]] = [(start, iter(edges[start]))]
        while stack:
            index, remaining = stack[-1]
            successor = next(remaining, None)
            if successor is None:
                stack.pop()
                on_path.discard(index)
                finished.add(index)
            elif successor not in on_path:
                acyclic[index].add(successor)
                if successor not in finished:
                    on_path.add(successor)
                    stack.append((successor, iter(edges[successor])))
    return acyclic
