"""In which order bulk operations can run, by what they refer to and what they touch (RFC 7644 section 3.7.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OperationNode:
    """An operation as far as order goes: the ``bulkId`` that it makes, those it refers to, and what it writes to."""

    makes: str | None
    refers_to: frozenset[str]
    touches: str | None
    """The path of an existing resource, or its ``bulkId`` reference; ``None`` for what makes one."""


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """Operations by their index.

    ``waits_for``: those that must be finished before; it has no circle. ``makers``: which one makes a ``bulkId``.
    """

    waits_for: Sequence[frozenset[int]]
    makers: Mapping[str, int]


def build_graph(nodes: Sequence[OperationNode]) -> DependencyGraph:
    """What waits for what. References may go forward and in circles.

    Of a circle of makers one reference is not waited for. What makes nothing waits for all that its references lead to,
    circles as a whole, and for what wrote to the same resource before it.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.makes is not None:
            makers.setdefault(node.makes, index)
    wanted = [
        [makers[name] for name in sorted(node.refers_to) if makers.get(name, index) != index]
        for index, node in enumerate(nodes)
    ]
    waits_for = _without_circles(wanted)
    last: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if node.touches is not None:
            waits_for[index] = _reached(index, wanted)
            if node.touches in last:
                waits_for[index].add(last[node.touches])
            last[node.touches] = index
    return DependencyGraph([frozenset(each) for each in waits_for], makers)


def _reached(start: int, wanted: Sequence[Sequence[int]]) -> set[int]:
    reached, waiting = set[int](), list(wanted[start])
    while waiting:
        index = waiting.pop()
        if index not in reached:
            reached.add(index)
            waiting += wanted[index]
    return reached


def _without_circles(wanted: Sequence[Sequence[int]]) -> list[set[int]]:
    """The edges without those that lead back to where a depth-first walk is coming from."""
    kept: list[set[int]] = [set() for _ in wanted]
    done, under_way = set[int](), set[int]()
    for start in range(len(wanted)):
        if start in done:
            continue
        under_way.add(start)
        walk: list[tuple[int, Iterator[int]]] = [(start, iter(wanted[start]))]
        while walk:
            index, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                walk.pop()
                under_way.discard(index)
                done.add(index)
            elif following not in under_way:
                kept[index].add(following)
                if following not in done:
                    under_way.add(following)
                    walk.append((following, iter(wanted[following])))
    return kept
