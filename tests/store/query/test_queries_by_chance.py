"""Every plan of a query returns what filtering and sorting all users in Python returns, in the same order."""

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
from tests.store.query.test_scans import Pages, changed, number, query, user
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
]
TIMES = [f"2026-01-01T00:00:{second:02}{rest}" for second in (0, 5, 9, 30) for rest in ("Z", ".000Z", ".0005Z", ".5Z")]

words = st.sampled_from([*NAMES, "", "x", "bo", "str"])
order_operators = st.sampled_from(["gt", "ge", "lt", "le"])


def quoted(value: str) -> str:
    return f'"{value}"'


names = st.builds(
    lambda operator, value: f"userName {operator} {quoted(value)}",
    st.sampled_from(["eq", "eq", "sw", "sw", "gt", "ge", "lt", "le", "ne", "co"]),
    words,
)
times = st.builds(
    lambda operator, value: f"meta.lastModified {operator} {quoted(value)}", order_operators, st.sampled_from(TIMES)
)
points = st.one_of(
    st.sampled_from(["1", "2", "3", "#"]).map(lambda value: f"externalId eq {quoted(value)}"),
    st.sampled_from(["A@x", "b@X", "c@x"]).map(lambda value: f"emails.value eq {quoted(value)}"),
    st.sampled_from(["A@x", "b@X"]).map(lambda value: f'emails[type eq "work"].value eq {quoted(value)}'),
    st.integers(0, 14).map(lambda each: f"id eq {quoted(number(each))}"),
)
others = st.sampled_from(["active eq true", "title pr", 'title eq "T"', "externalId pr"])
terms = st.one_of(names, names, times, points, points, others)
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
    """With time for all queries, which are one request here."""
    return adapters.open_table(runtime.create_deadline(3_600))


@pytest.fixture
def people(store: DynamoDBResourceStore) -> list[StoredResource]:
    """Twelve, whose names, times and ids have three orders, and some of whom have the same values."""
    people = []
    for each, name in enumerate(NAMES):
        attributes: dict[str, Any] = {
            "userName": name,
            "active": each % 3 != 0,
            "externalId": str(each % 4) if each % 4 else "#",
            "emails": [{"value": value, "type": kind} for value, kind in (("a@x", "work"), ("B@x", "home"))][
                : each % 3
            ],
        }
        if each % 2:
            attributes |= {"displayName": "dD"[each % 4 // 2] + str(each % 5)}
        if each % 5 == 0:
            attributes |= {"title": "Tt"[each % 2]}
        second = each * 5 % 12
        people.append(changed(user(each), modified=f"2026-01-01T00:00:{second:02}.000Z", **attributes))
        store.write(None, people[-1], CHANGE)
    return people


def expected(people: list[StoredResource], asked: Query, plan: str) -> list[StoredResource]:
    """Everybody who matches, in the order that was asked for, or else in that of the plan."""
    found = [each for each in people if asked.matches is None or asked.matches(each)]
    if asked.order is not None:
        key = asked.order.key
        return sorted(found, key=lambda each: (key(each), each.id), reverse=asked.order.is_descending)
    orders: dict[str, Callable[[StoredResource], Any]] = {
        "names": lambda each: unique_key(each.resource["userName"], is_case_exact=False),
        "times": lambda each: each.modified,
    }
    return sorted(found, key=orders.get(plan, lambda each: each.id))


def by_cursor(pages: Pages, count: int) -> Iterator[StoredResource]:
    found = pages.first(count)
    yield from found.page
    while found.next_boundaries:
        found = pages.at_cursor(CursorPosition(found.next_boundaries, total=found.total), count)
        yield from found.page


@pytest.mark.nightly
@given(st.data())
@settings(
    max_examples=scale(1_600),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate, Phase.shrink],
)
def test_every_plan_agrees_with_filtering_and_sorting_all(
    store: DynamoDBResourceStore, people: list[StoredResource], data: st.DataObject
) -> None:
    text = data.draw(st.one_of(filters, filters, filters, st.none()), "filter")
    asked = query(text, data.draw(sorts, "sort"), data.draw(st.sampled_from(["ascending", "descending"]), "order"))
    index, count = data.draw(st.integers(1, 13), "index"), data.draw(st.integers(0, 13), "count")
    pages = Pages(store, asked)

    everyone = pages.at(1, 200)
    wanted = expected(people, asked, everyone.plan)
    assert (list(everyone.page), everyone.total) == (wanted, len(wanted))
    page = pages.at(index, count)
    assert (list(page.page), page.total) == (wanted[index - 1 : index - 1 + count], len(wanted))
    assert list(by_cursor(pages, max(count, 1))) == wanted
