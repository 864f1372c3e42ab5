"""Clients read all pages while others write, on a real engine. Each unchanged user is returned exactly once.

``PAGING_SEED`` (1) is the seed of the random users and changes.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock, Semaphore
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.endpoint import Endpoint
from tests.size import scale

ROUNDS = scale(20)
SEED = int(os.environ.get("PAGING_SEED", "1"))
USERS, WRITERS = 120, 3
TITLES = ("Cook", "Chef")

Json = dict[str, Any]

QUERIES: dict[str, Json] = {
    "default order": {},
    "by userName": {"sortBy": "userName"},
    "by userName descending": {"sortBy": "userName", "sortOrder": "descending"},
    "by displayName": {"sortBy": "displayName"},
    "by displayName descending": {"sortBy": "displayName", "sortOrder": "descending"},
    "externalId eq": {"filter": 'externalId eq "shared"'},
    "externalId eq, sorted": {"filter": 'externalId eq "shared"', "sortBy": "userName"},
    "active eq": {"filter": "active eq true"},
    "title eq, sorted": {"filter": 'title eq "Cook"', "sortBy": "displayName"},
    "userName sw": {"filter": 'userName sw "m"'},
    "userName range descending": {
        "filter": 'userName ge "f" and userName lt "t" and active eq true',
        "sortBy": "userName",
        "sortOrder": "descending",
    },
    "lastModified ge": {"filter": 'meta.lastModified ge "2000-01-01T00:00:00Z"'},
    "lastModified ge, sorted": {"filter": 'meta.lastModified ge "2000-01-01T00:00:00Z"', "sortBy": "userName"},
}


@dataclass
class ChangingUsers:
    """The users of a tenant. Every second user stays unchanged, the others are changed all the time."""

    scim: Endpoint
    random: Random
    by_id: dict[str, Json] = field(default_factory=dict)

    lock: Lock = field(default_factory=Lock)

    def create(self) -> Json:
        with self.lock:
            attributes = {
                "userName": self.choose_name(),
                "displayName": self.random.choice("abcdef") * self.random.randint(0, 2) or None,
                "title": self.random.choice(TITLES),
                "externalId": self.random.choice(["shared", "shared", "other"]),
                "active": self.random.random() < 0.8,
            }
        return self.scim.create(**{name: value for name, value in attributes.items() if value is not None})

    def choose_name(self) -> str:
        return f"{self.random.choice('abcdefghijklmMnopqrstuvwxyz')}{self.random.getrandbits(48):x}"

    def populate(self) -> None:
        with ThreadPoolExecutor(6) as pool:
            for user in pool.map(lambda _: self.create(), range(USERS)):
                self.by_id[user["id"]] = user
        self.changing_ids = sorted(self.by_id)[1::2]
        self.unchanged_ids = set(sorted(self.by_id)[::2])

    def change(self, random: Random, own_ids: list[str]) -> None:
        """Make a random change; ``own_ids`` are the ids of the users that only this writer changes."""
        kind = random.choice(["create", "rename", "rename", "delete", "deactivate", "display", "value"])
        if kind == "create" or not own_ids:
            own_ids.append(self.create()["id"])
            return
        user_id = random.choice(own_ids)
        if kind == "delete":
            own_ids.remove(user_id)
            assert self.scim.request("DELETE", f"/Users/{user_id}").status == 204
            return
        path, value = {
            "rename": ("userName", f"{random.choice('abcdefghijklmnopqrstuvwxyz')}{random.getrandbits(48):x}"),
            "deactivate": ("active", random.random() < 0.5),
            "display": ("displayName", random.choice("abcdefg")),
            "value": ("externalId", random.choice(["shared", "other"])),
        }[kind]
        response = self.scim.patch(user_id, {"op": "replace", "path": path, "value": value})
        assert response.status == 200, response.body

    @contextmanager
    def run_writers(self, pages: Semaphore) -> Iterator[Counter[str]]:
        """Let writers work until the end of the block; yield the number of changes by writer.

        Each page that is read allows one change, so the number of changes does not depend on the speed of the machine.
        """
        stop, done = Event(), Counter[str]()

        def write(writer: int) -> None:
            random, own_ids = Random(f"{SEED} {writer}"), self.changing_ids[writer::WRITERS]  # noqa: S311  # repeatable
            while pages.acquire() and not stop.is_set():
                self.change(random, own_ids)
                done[f"writer {writer}"] += 1

        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, number) for number in range(WRITERS)]
            try:
                yield done
            finally:
                stop.set()
                pages.release(WRITERS)
            for future in writers:
                future.result()


@pytest.fixture
def users(direct: Endpoint) -> ChangingUsers:
    users = ChangingUsers(direct, Random(SEED))  # noqa: S311  # repeatable
    users.populate()
    return users


def get(scim: Endpoint, client: str, **parameters: Any) -> Json:
    response = scim.request("GET", f"/Users?{urlencode(parameters)}", user_agent=client)
    assert response.status == 200, response.body
    page: Json = response.json()
    assert page["itemsPerPage"] == len(page["Resources"])
    return page


# Ways to read all users: each yields the users of each page


def read_until_total(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    """Read until ``startIndex`` is greater than ``totalResults``."""
    index, total = 1, 1
    while index <= total:
        page = get(scim, client, startIndex=index, count=count, **query)
        index, total = index + page["itemsPerPage"], page["totalResults"]
        more = index <= total
        assert page["itemsPerPage"] == count or not more or page["itemsPerPage"] == 0
        yield page["Resources"]
        if not page["Resources"]:
            assert not more
            return


def read_until_empty_page(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    index = 1
    while page := get(scim, client, startIndex=index, count=count, **query)["Resources"]:
        index += len(page)
        yield page


def read_by_cursor(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    cursor: str | None = ""
    while cursor is not None:
        page = get(scim, client, cursor=cursor, count=count, **query)
        yield page["Resources"]
        cursor = page.get("nextCursor")


def read_by_cursor_backwards(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    """Read to the end with ``nextCursor``, then yield the pages back to the start with ``previousCursor``."""
    page = get(scim, client, cursor="", count=count, **query)
    while cursor := page.get("nextCursor"):
        page = get(scim, client, cursor=cursor, count=count, **query)
    yield page["Resources"]
    while cursor := page.get("previousCursor"):
        page = get(scim, client, cursor=cursor, count=count, **query)
        yield page["Resources"]


READERS = (read_until_total, read_until_empty_page, read_by_cursor, read_by_cursor_backwards)


def select_ids(users: Sequence[Json], query: Json) -> set[str]:
    """Return the ids of the users that match a query, without the code under test."""
    conditions: dict[str, Callable[[Json], bool]] = {
        "externalId eq": lambda user: user.get("externalId") == "shared",
        "active eq true": lambda user: user["active"],
        "title eq": lambda user: user["title"] == "Cook",
        "userName sw": lambda user: user["userName"].lower().startswith("m"),
        "userName ge": lambda user: "f" <= user["userName"].lower() < "t" and user["active"],
    }
    text = query.get("filter", "")
    condition = next((condition for start, condition in conditions.items() if text.startswith(start)), lambda _: True)
    return {user["id"] for user in users if condition(user)}


@pytest.mark.nightly
def test_unchanged_user_is_returned_exactly_once(users: ChangingUsers) -> None:
    """All ways to read and all queries, four at a time, with different page sizes."""
    unchanged = [users.by_id[user_id] for user_id in users.unchanged_ids]
    runs = [(name, read) for _ in range(ROUNDS) for name in QUERIES for read in READERS]
    pages = Semaphore(WRITERS)

    def release_writers(page_lists: Iterator[list[Json]]) -> Iterator[Json]:
        for page in page_lists:
            pages.release()
            yield from page

    def run(number: int) -> tuple[int, str]:
        name, read = runs[number]
        # Changed users move to the end of this order: with small pages the client would never reach the end.
        count = 50 if "lastModified" in name else (9, 14, 25, 40)[(number + number // len(READERS)) % 4]
        expected = select_ids(unchanged, QUERIES[name])
        counts = Counter(user["id"] for user in release_writers(read(users.scim, f"{number}", QUERIES[name], count)))
        of_unchanged = {user_id: times for user_id, times in counts.items() if user_id in users.unchanged_ids}
        assert (name, read.__name__, count, of_unchanged) == (name, read.__name__, count, dict.fromkeys(expected, 1))
        return len(expected), name

    with users.run_writers(pages) as done, ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(len(runs))))

    assert len(results) == len(runs)
    assert min(results) > (3, "")  # every query matches some unchanged users
    assert min(done.values()) > 10


def test_every_start_index_returns_its_slice(users: ChangingUsers) -> None:
    for name, query in QUERIES.items():
        all_ids = [user["id"] for page in read_until_empty_page(users.scim, name, query, 200) for user in page]
        assert len(all_ids) == len(set(all_ids))
        for number in range(4):
            index, count = users.random.randint(1, len(all_ids) + 2), users.random.randint(1, 60)
            page = get(users.scim, f"{name} {number}", startIndex=index, count=count, **query)
            assert (name, index, [user["id"] for user in page["Resources"]]) == (
                name,
                index,
                all_ids[index - 1 : index - 1 + count],
            )
            assert page["totalResults"] == len(all_ids)


def test_pages_are_in_the_requested_order(users: ChangingUsers) -> None:
    all_users = list(users.by_id.values())

    def read_ids(name: str) -> list[str]:
        return [user["id"] for page in read_by_cursor(users.scim, name, QUERIES[name], 23) for user in page]

    def sort_ids(attribute: str) -> list[str]:
        """Sort by the attribute, then by id. Users without a value are last."""
        keys = sorted((attribute not in user, user.get(attribute, "").lower(), user["id"]) for user in all_users)
        return [key[-1] for key in keys]

    assert read_ids("default order") == sorted(users.by_id)
    assert read_ids("by userName") == sort_ids("userName")
    assert read_ids("by userName descending") == sort_ids("userName")[::-1]
    assert read_ids("by displayName") == sort_ids("displayName")
    assert read_ids("by displayName descending") == sort_ids("displayName")[::-1]
    assert read_ids("title eq, sorted") == [
        user_id for user_id in sort_ids("displayName") if users.by_id[user_id]["title"] == "Cook"
    ]
