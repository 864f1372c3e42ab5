"""Random queries: each plan returns the same users in the same order as filtering and sorting in Python."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scim.service.model.query import CursorPosition, Query
from scim.service.model.stored_resource import StoredResource
from scim.store.lookup_keys import unique_key
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring import runtime
from scim.wiring.scim_api import ScimApiAdapters
from tests.size import scale
from tests.store.query.test_scans import PageReader, build_id, build_query, build_user, change_user
from tests.store.test_resources import CHANGE

NAMES = [
    "a",
    "A#b",
    "ab",
    "b",
    "Bob",
    "bobby",
    "STRASSE",
    "stra\u00dfen",
    "caf\u00e9",
    "cafe\u0301s",
    "z%",
    "\U0001f600",
    "\u039f\u0394\u039f\u03a3",
    "\u039f\u0394\u039f\u03a3\u0391\u0392",
    "\uff5a\uff48",
    "\u20ac" * 400,
]
TIMES = [f"2026-01-01T00:00:{second:02}{rest}" for second in (0, 5, 9, 30) for rest in ("Z", ".000Z", ".0005Z", ".5Z")]

words = st.sampled_from([*NAMES, "", "x", "bo", "str", "\u03a3", "Z", "\u20ac", "\u20ac" * 300, "\u20ac" * 600])
order_operators = st.sampled_from(["gt", "ge", "lt", "le"])


def quote(value: str) -> str:
    return f'"{value}"'


names = st.builds(
    lambda operator, value: f"userName {operator} {quote(value)}",
    st.sampled_from(["eq", "eq", "sw", "sw", "gt", "ge", "lt", "le", "ne", "co"]),
    words,
)
times = st.builds(
    lambda operator, value: f"meta.lastModified {operator} {quote(value)}", order_operators, st.sampled_from(TIMES)
)
lookups = st.one_of(
    st.sampled_from(["1", "2", "3", "#"]).map(lambda value: f"externalId eq {quote(value)}"),
    st.sampled_from(["A@x", "b@X", "c@x"]).map(lambda value: f"emails.value eq {quote(value)}"),
    st.sampled_from(["A@x", "b@X"]).map(lambda value: f'emails[type eq "work"].value eq {quote(value)}'),
    st.integers(0, 14).map(lambda number: f"id eq {quote(build_id(number))}"),
)
others = st.sampled_from(["active eq true", "title pr", 'title eq "T"', "externalId pr"])
terms = st.one_of(names, names, times, lookups, lookups, others)
filters = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" and ".join),
        st.tuples(inner, inner).map(" or ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=5,
)
sorts = st.sampled_from([None, None, "userName", "displayName", "meta.lastModified", "title", "emails.value"])


@pytest.fixture
def request_table(adapters: ScimApiAdapters) -> Table:
    """Return a table with time for all queries, which are one request here."""
    return adapters.open_table(runtime.create_deadline(3_600))


@pytest.fixture
def users(store: DynamoDBResourceStore) -> list[StoredResource]:
    """Create a user for each name. Their names, times and ids are in three orders, and some values are equal."""
    users = []
    for number, name in enumerate(NAMES):
        attributes: dict[str, Any] = {
            "userName": name,
            "active": number % 3 != 0,
            "externalId": str(number % 4) if number % 4 else "#",
            "emails": [{"value": value, "type": kind} for value, kind in (("a@x", "work"), ("B@x", "home"))][
                : number % 3
            ],
        }
        if number % 2:
            attributes |= {"displayName": "dD"[number % 4 // 2] + str(number % 5)}
        if number % 5 == 0:
            attributes |= {"title": "Tt"[number % 2]}
        second = number * 5 % 12
        users.append(change_user(build_user(number), modified=f"2026-01-01T00:00:{second:02}.000Z", **attributes))
        store.write(None, users[-1], CHANGE)
    return users


def select_and_sort(users: list[StoredResource], query: Query, plan: str) -> list[StoredResource]:
    """Return the users that match, in the order of the query, or else in the order of the plan."""
    selected = [user for user in users if query.matches is None or query.matches(user)]
    if query.order is not None:
        key = query.order.key
        return sorted(selected, key=lambda user: (key(user), user.id), reverse=query.order.is_descending)
    orders: dict[str, Callable[[StoredResource], Any]] = {
        "names": lambda user: unique_key(user.resource["userName"], is_case_exact=False),
        "times": lambda user: user.modified,
    }
    return sorted(selected, key=orders.get(plan, lambda user: user.id))


def read_all_by_cursor(pages: PageReader, count: int) -> Iterator[StoredResource]:
    result = pages.read_first(count)
    yield from result.page
    while result.next_boundaries:
        result = pages.read_at_cursor(CursorPosition(result.next_boundaries, total=result.total), count)
        yield from result.page


@pytest.mark.nightly
@given(st.data())
@settings(
    max_examples=scale(1_600),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate, Phase.shrink],
)
def test_plans_agree_with_filtering_and_sorting(
    store: DynamoDBResourceStore, users: list[StoredResource], data: st.DataObject
) -> None:
    text = data.draw(st.one_of(filters, filters, filters, st.none()), "filter")
    query = build_query(
        text, data.draw(sorts, "sort"), data.draw(st.sampled_from(["ascending", "descending"]), "order")
    )
    index, count = data.draw(st.integers(1, 13), "index"), data.draw(st.integers(0, 13), "count")
    pages = PageReader(store, query)

    result = pages.read_at(1, 200)
    expected = select_and_sort(users, query, result.plan)
    assert (list(result.page), result.total) == (expected, len(expected))
    page = pages.read_at(index, count)
    assert (list(page.page), page.total) == (expected[index - 1 : index - 1 + count], len(expected))
    assert list(read_all_by_cursor(pages, max(count, 1))) == expected
