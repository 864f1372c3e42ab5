"""Read all users page by page while others write: what each way to read guarantees (docs/build/queries.md)."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.endpoint import Endpoint
from tests.handlers.test_paging import FOR_ALL_ORDERS, create_users

Json = dict[str, Any]
Read = Iterator[list[str]]
"""A read of all users: yields the ids of each page."""

CLIENT = "Directory Sync 1.0"
COUNT = 5


def get(scim: Endpoint, client: str, **parameters: Any) -> Json:
    response = scim.request("GET", f"/Users?{urlencode(parameters)}", user_agent=client)
    assert response.status == 200, response.body
    page: Json = response.json()
    return page


def read_by_cursor(scim: Endpoint, query: Json, client: str) -> Read:
    cursor: str | None = ""
    while cursor is not None:
        page = get(scim, client, cursor=cursor, count=COUNT, **query)
        cursor = page.get("nextCursor")
        yield [user["id"] for user in page["Resources"]]


def read_by_index(scim: Endpoint, query: Json, client: str) -> Read:
    index, total = 1, 1
    while index <= total:
        page = get(scim, client, startIndex=index, count=COUNT, **query)
        index, total = index + page["itemsPerPage"], page["totalResults"]
        yield [user["id"] for user in page["Resources"]]


class Writers:
    """Creates, changes and deletes users, one after each page. The other users do not change."""

    def __init__(self, scim: Endpoint) -> None:
        self._scim = scim
        self._random = Random(7)  # noqa: S311  # the same changes in each run
        users = create_users(scim, 28)
        self.unchanged_ids = {user["id"] for user in users[::2]}
        self._changing_ids = [user["id"] for user in users[1::2]]
        self._numbers = itertools.count(1)

    def change(self) -> None:
        self._delete()
        self._create()
        self._rename()

    def _delete(self) -> None:
        user_id = self._changing_ids.pop(self._random.randrange(len(self._changing_ids)))
        assert self._scim.request("DELETE", f"/Users/{user_id}").status == 204

    def _create(self) -> None:
        number = next(self._numbers)
        names = {"userName": f"user-{self._random.randrange(28):03}-{number}", "displayName": f"d {number}"}
        self._changing_ids.append(self._scim.create(**names, externalId="E")["id"])

    def _rename(self) -> None:
        name = f"user-{self._random.randrange(28):03}+{next(self._numbers)}"
        operation = {"op": "replace", "value": {"userName": name, "displayName": f"d {name}"}}
        assert self._scim.patch(self._random.choice(self._changing_ids), operation).status == 200


def read_in_turns(reads: Sequence[Read], writers: Writers) -> list[Counter[str]]:
    """Read a page of each read in turn, with a change after each page. Return how often each read has each user."""
    counts: list[Counter[str]] = [Counter() for _ in reads]
    for pages in itertools.zip_longest(*reads, fillvalue=[]):
        for count, page in zip(counts, pages, strict=True):
            count.update(page)
            writers.change()
    return [Counter({user_id: count[user_id] for user_id in writers.unchanged_ids}) for count in counts]


@FOR_ALL_ORDERS
class TestParallelReads:
    def test_three_reads_by_cursor_of_one_client(self, scim: Endpoint, query: Json) -> None:
        """A cursor has the whole position, so any number of reads can run at the same time."""
        writers = Writers(scim)

        counts = read_in_turns([read_by_cursor(scim, query, CLIENT) for _ in range(3)], writers)

        assert counts == [Counter(writers.unchanged_ids)] * 3

    def test_one_read_by_index(self, scim: Endpoint, query: Json) -> None:
        writers = Writers(scim)

        counts = read_in_turns([read_by_index(scim, query, CLIENT)], writers)

        assert counts == [Counter(writers.unchanged_ids)]

    @pytest.mark.parametrize("other", [read_by_index, read_by_cursor])
    def test_reads_by_index_of_two_clients(self, scim: Endpoint, query: Json, other: Any) -> None:
        """Clients are distinguished by their ``User-Agent``. A read by cursor does not disturb one by index."""
        writers = Writers(scim)
        agents = {read_by_index: f"{CLIENT} (2)", read_by_cursor: CLIENT}

        counts = read_in_turns([read_by_index(scim, query, CLIENT), other(scim, query, agents[other])], writers)

        assert counts == [Counter(writers.unchanged_ids)] * 2

    def test_other_query_of_the_same_client(self, scim: Endpoint, query: Json) -> None:
        """Each query of a client has a separate bookmark."""
        writers = Writers(scim)
        other = {"filter": "userName pr and not (title pr)"}

        counts = read_in_turns([read_by_index(scim, sent, CLIENT) for sent in (query, other)], writers)

        assert counts == [Counter(writers.unchanged_ids)] * 2
