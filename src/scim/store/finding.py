"""Finding resources: by their keys, by their place in the order of ids, or by walking all of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from scim.protocol.errors import TooMany
from scim.protocol.path import Path
from scim.protocol.resource import unique_value
from scim.protocol.schema import ResourceType
from scim.service.ports import Found, Query
from scim.service.stored import Stored
from scim.store import items, keys
from scim.store.counters import Counters
from scim.store.dynamo import Dynamo
from scim.store.plan import Point, points

# What a walk may read, and how much time must remain for the answer.
MAX_WALKED = 200_000
_TIME_FOR_ANSWER_S = 5.0
_LAST = "\N{LATIN SMALL LETTER Z}"  # behind every hex digit and hyphen, of which ids are made


class Finder:
    def __init__(
        self, dynamo: Dynamo, partition: str, resource_type: ResourceType, indexed: Mapping[str, Path]
    ) -> None:
        self._dynamo = dynamo
        self._partition = partition
        self._type = resource_type
        self._indexed = indexed
        self._unique = next(each for each in resource_type.schema.attributes.values() if each.unique)

    def find(self, query: Query) -> Found:
        if query.filter is not None:
            names = frozenset({"id", self._unique.name, *self._indexed})
            if (found := points(query.filter, names)) is not None:
                return self._at_points(found, query)
        if query.matches is None and query.order is None:
            return self._in_order_of_ids(query)
        return self._walked(query)

    def _at_points(self, found: frozenset[Point], query: Query) -> Found:
        """The key leads to the resource in a second read, between which it may have been renamed: then once more."""
        matching: list[Stored] = []
        for _ in range(3):
            resource_ids = sorted({each for point in found for each in self._ids(point)})
            resources = self._resources(resource_ids)
            matching = [stored for stored in resources if query.matches is None or query.matches(stored)]
            if all(any(self._lies_at(stored, point) for point in found) for stored in resources):
                break
        page = _slice(_sorted(matching, query), query)
        return Found(len(matching), page, "points:" + ",".join(sorted({point.name for point in found})))

    def _ids(self, point: Point) -> list[str]:
        if point.name == "id":
            return [point.value] if keys.is_user_id(point.value) else []
        if point.name == self._unique.name:
            sort = keys.unique(point.value, case_exact=self._unique.case_exact)
            item = self._dynamo.get(self._partition, sort)
            return [items.referenced(item)] if item else []
        prefix = self._index_prefix(point)
        return [items.referenced(item) for item in self._dynamo.query(self._partition, prefix, prefix + _LAST)]

    def _lies_at(self, stored: Stored, point: Point) -> bool:
        if point.name == "id":
            return stored.id == point.value
        if point.name == self._unique.name:
            attribute, value = unique_value(stored.resource, self._type)
            exact = attribute.case_exact
            return keys.unique(value, case_exact=exact) == keys.unique(point.value, case_exact=exact)
        entry = self._index_prefix(point) + stored.id
        return entry in keys.index_entries(stored.resource, stored.id, self._indexed)

    def _index_prefix(self, point: Point) -> str:
        leaf = self._indexed[point.name].leaf
        return keys.index(point.name, point.value, case_exact=leaf is not None and leaf.case_exact)

    def _resources(self, resource_ids: list[str]) -> list[Stored]:
        if len(resource_ids) == 1:
            item = self._dynamo.get(self._partition, keys.user(resource_ids[0]))
            return [items.stored(item)] if item else []
        found = self._dynamo.get_all(self._partition, [keys.user(each) for each in resource_ids])
        return sorted((items.stored(item) for item in found), key=_by_id)

    def _in_order_of_ids(self, query: Query) -> Found:
        """The counters tell the total and in which shard the page begins, so it costs the same wherever it lies."""
        counters = Counters.read(self._dynamo, self._partition)
        place = counters.locate(query.start_index)
        if place is None or query.count == 0:
            return Found(counters.total, [], "ids")
        shard, skip = place
        found = self._users(keys.USERS + shard, limit=skip + query.count)
        return Found(counters.total, list(islice(found, skip, skip + query.count)), "ids")

    def _walked(self, query: Query) -> Found:
        total = 0

        def matching() -> Iterator[Stored]:
            nonlocal total
            for stored in self._within_budget(self._users(keys.USERS)):
                if query.matches is None or query.matches(stored):
                    total += 1
                    yield stored

        walk = matching()
        end = query.start_index - 1 + query.count
        skipped = query.start_index - 1
        page = list(islice(walk, skipped, end)) if query.order is None else _first(walk, end, query)[skipped:]
        for _ in walk:
            pass
        return Found(total, page, "walk" if query.order is None else "walk,sort")

    def _within_budget(self, resources: Iterator[Stored]) -> Iterator[Stored]:
        for number, stored in enumerate(resources):
            if number >= MAX_WALKED or self._dynamo.deadline.remaining_s() < _TIME_FOR_ANSWER_S:
                names = ", ".join(("id", self._unique.name, *self._indexed))
                raise TooMany(f"The query has to read too many users. Filter by one of {names} with eq.")
            yield stored

    def _users(self, first: str, limit: int | None = None) -> Iterator[Stored]:
        for item in self._dynamo.query(self._partition, first, keys.USERS + _LAST, limit=limit):
            yield items.stored(item)


def _by_id(stored: Stored) -> str:
    return stored.id


def _sorted(resources: list[Stored], query: Query) -> list[Stored]:
    return sorted(resources, key=query.order, reverse=query.descending) if query.order else resources


def _first(resources: Iterator[Stored], number: int, query: Query) -> list[Stored]:
    """The first ``number`` in the order asked for; never more of them are held."""
    smallest: Callable[..., list[Any]] = heapq.nlargest if query.descending else heapq.nsmallest
    return smallest(number, resources, key=query.order)


def _slice(resources: list[Stored], query: Query) -> list[Stored]:
    return resources[query.start_index - 1 : query.start_index - 1 + query.count]
