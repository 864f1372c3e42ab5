"""Walks through the pages while others write, on a real engine: who is there throughout comes exactly once.

``PAGING_SEED`` (1) makes other users and changes.
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
class People:
    """The users of a tenant. Those with an even number stay as they are, the others are changed all the time."""

    scim: Endpoint
    random: Random
    now: dict[str, Json] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def create(self) -> Json:
        with self.lock:
            user = {
                "userName": self.name(),
                "displayName": self.random.choice("abcdef") * self.random.randint(0, 2) or None,
                "title": self.random.choice(TITLES),
                "externalId": self.random.choice(["shared", "shared", "other"]),
                "active": self.random.random() < 0.8,
            }
        return self.scim.create(**{name: value for name, value in user.items() if value is not None})

    def name(self) -> str:
        return f"{self.random.choice('abcdefghijklmMnopqrstuvwxyz')}{self.random.getrandbits(48):x}"

    def populate(self) -> None:
        with ThreadPoolExecutor(6) as pool:
            for user in pool.map(lambda _: self.create(), range(USERS)):
                self.now[user["id"]] = user
        self.changing = sorted(self.now)[1::2]
        self.steady = set(sorted(self.now)[::2])

    def change(self, random: Random, own: list[str]) -> None:
        """One change by one of the writers, to somebody of its own."""
        kind = random.choice(["create", "rename", "rename", "delete", "deactivate", "display", "value"])
        if kind == "create" or not own:
            own.append(self.create()["id"])
            return
        chosen = random.choice(own)
        if kind == "delete":
            own.remove(chosen)
            assert self.scim.request("DELETE", f"/Users/{chosen}").status == 204
            return
        path, value = {
            "rename": ("userName", f"{random.choice('abcdefghijklmnopqrstuvwxyz')}{random.getrandbits(48):x}"),
            "deactivate": ("active", random.random() < 0.5),
            "display": ("displayName", random.choice("abcdefg")),
            "value": ("externalId", random.choice(["shared", "other"])),
        }[kind]
        answer = self.scim.patch(chosen, {"op": "replace", "path": path, "value": value})
        assert answer.status == 200, answer.body

    @contextmanager
    def writing(self, pages: Semaphore) -> Iterator[Counter[str]]:
        """Let writers work until the end of the block; yield the number of changes by writer.

        Each page that is read allows one change, so the number of changes does not depend on the speed of the machine.
        """
        stop, done = Event(), Counter[str]()

        def write(writer: int) -> None:
            random, own = Random(f"{SEED} {writer}"), self.changing[writer::WRITERS]  # noqa: S311  # repeatable
            while pages.acquire() and not stop.is_set():
                self.change(random, own)
                done[f"writer {writer}"] += 1

        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, each) for each in range(WRITERS)]
            try:
                yield done
            finally:
                stop.set()
                pages.release(WRITERS)
            for each in writers:
                each.result()


@pytest.fixture
def people(direct: Endpoint) -> People:
    people = People(direct, Random(SEED))  # noqa: S311  # repeatable
    people.populate()
    return people


def get(scim: Endpoint, client: str, **parameters: Any) -> Json:
    answer = scim.request("GET", f"/Users?{urlencode(parameters)}", user_agent=client)
    assert answer.status == 200, answer.body
    found: Json = answer.json()
    assert found["itemsPerPage"] == len(found["Resources"])
    return found


# Ways to walk: each gives the users of each of its pages


def until_the_total(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    """As clients do that believe ``totalResults``."""
    index, total = 1, 1
    while index <= total:
        found = get(scim, client, startIndex=index, count=count, **query)
        index, total = index + found["itemsPerPage"], found["totalResults"]
        more = index <= total
        assert found["itemsPerPage"] == count or not more or found["itemsPerPage"] == 0
        yield found["Resources"]
        if not found["Resources"]:
            assert not more
            return


def until_a_page_is_empty(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    index = 1
    while page := get(scim, client, startIndex=index, count=count, **query)["Resources"]:
        index += len(page)
        yield page


def by_cursor(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    cursor: str | None = ""
    while cursor is not None:
        found = get(scim, client, cursor=cursor, count=count, **query)
        yield found["Resources"]
        cursor = found.get("nextCursor")


def by_cursor_backwards(scim: Endpoint, client: str, query: Json, count: int) -> Iterator[list[Json]]:
    """To the end, and what comes on the way back from there."""
    found = get(scim, client, cursor="", count=count, **query)
    while cursor := found.get("nextCursor"):
        found = get(scim, client, cursor=cursor, count=count, **query)
    yield found["Resources"]
    while cursor := found.get("previousCursor"):
        found = get(scim, client, cursor=cursor, count=count, **query)
        yield found["Resources"]


WALKS = (until_the_total, until_a_page_is_empty, by_cursor, by_cursor_backwards)


def selected(users: Sequence[Json], query: Json) -> set[str]:
    """Whom of the users that stay as they are a query finds, decided here once more."""
    tests: dict[str, Callable[[Json], bool]] = {
        "externalId eq": lambda user: user.get("externalId") == "shared",
        "active eq true": lambda user: user["active"],
        "title eq": lambda user: user["title"] == "Cook",
        "userName sw": lambda user: user["userName"].lower().startswith("m"),
        "userName ge": lambda user: "f" <= user["userName"].lower() < "t" and user["active"],
    }
    text = query.get("filter", "")
    test = next((test for start, test in tests.items() if text.startswith(start)), lambda _: True)
    return {user["id"] for user in users if test(user)}


@pytest.mark.nightly
def test_user_who_is_always_there_is_returned_exactly_once(people: People) -> None:
    """All ways through all queries, four at once, each with its size of page."""
    steady = [people.now[each] for each in people.steady]
    walks = [(name, way) for _ in range(ROUNDS) for name in QUERIES for way in WALKS]
    pages = Semaphore(WRITERS)

    def read_pages(walk: Iterator[list[Json]]) -> Iterator[Json]:
        for page in walk:
            pages.release()
            yield from page

    def walk(number: int) -> tuple[int, str]:
        name, way = walks[number]
        # In the order of changes the writers are always ahead, and small pages would follow them for long.
        count = 50 if "lastModified" in name else (9, 14, 25, 40)[(number + number // len(WALKS)) % 4]
        expected = selected(steady, QUERIES[name])
        came = Counter(user["id"] for user in read_pages(way(people.scim, f"{number}", QUERIES[name], count)))
        met = {each: times for each, times in came.items() if each in people.steady}
        assert (name, way.__name__, count, met) == (name, way.__name__, count, dict.fromkeys(expected, 1))
        return len(expected), name

    with people.writing(pages) as done, ThreadPoolExecutor(4) as pool:
        walked = list(pool.map(walk, range(len(walks))))

    assert len(walked) == len(walks)
    assert min(walked) > (3, "")  # every query is about some of those
    assert min(done.values()) > 10


def test_every_start_index_returns_its_slice(people: People) -> None:
    for name, query in QUERIES.items():
        everyone = [user["id"] for page in until_a_page_is_empty(people.scim, name, query, 200) for user in page]
        assert len(everyone) == len(set(everyone))
        for number in range(4):
            index, count = people.random.randint(1, len(everyone) + 2), people.random.randint(1, 60)
            found = get(people.scim, f"{name} {number}", startIndex=index, count=count, **query)
            assert (name, index, [user["id"] for user in found["Resources"]]) == (
                name,
                index,
                everyone[index - 1 : index - 1 + count],
            )
            assert found["totalResults"] == len(everyone)


def test_pages_are_in_the_requested_order(people: People) -> None:
    users = list(people.now.values())

    def walked(name: str) -> list[str]:
        return [user["id"] for page in by_cursor(people.scim, name, QUERIES[name], 23) for user in page]

    def by(attribute: str) -> list[str]:
        """Those without a value come last, and who has the same value in the order of ids."""
        keys = sorted((attribute not in user, user.get(attribute, "").lower(), user["id"]) for user in users)
        return [key[-1] for key in keys]

    assert walked("default order") == sorted(people.now)
    assert walked("by userName") == by("userName")
    assert walked("by userName descending") == by("userName")[::-1]
    assert walked("by displayName") == by("displayName")
    assert walked("by displayName descending") == by("displayName")[::-1]
    assert walked("title eq, sorted") == [each for each in by("displayName") if people.now[each]["title"] == "Cook"]
