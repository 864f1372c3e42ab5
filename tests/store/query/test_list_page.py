"""The list of users: how much a page reads."""

from typing import Any

import pytest

from scim.service.deadline import Deadline
from scim.service.model.query import ListOrder, ListPage, ListQuery
from scim.service.model.stored_resource import StoredResource, UserState
from scim.store.query import list_page
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from tests.store.query.test_engine import CreateUser, create_user  # noqa: F401  # a fixture


def is_inactive(user: StoredResource) -> bool:
    return user.state is UserState.INACTIVE


def read_all(store: DynamoDBResourceStore, query: ListQuery) -> list[ListPage]:
    """Return all pages of a list."""
    pages = [store.list_page(query)]
    while pages[-1].next_position:
        position = pages[-1].next_position
        pages.append(store.list_page(ListQuery(query.order, query.is_descending, query.count, query.matches, position)))
    return pages


@pytest.mark.parametrize("order", list(ListOrder))
@pytest.mark.parametrize("position", ["first", "middle"])
def test_page_takes_two_calls(
    store: DynamoDBResourceStore,
    request_table: Table,
    create_user: CreateUser,  # noqa: F811
    order: ListOrder,
    position: str,
) -> None:
    for number in range(21):
        create_user(f"user-{number:02}")
    start = "" if position == "first" else store.list_page(ListQuery(order, False, 10)).next_position

    before = request_table.calls
    page = store.list_page(ListQuery(order, False, 10, position=start))

    assert (len(page.users), page.users_read) == (10, 10)
    assert request_table.calls - before == 2


def test_condition_that_few_users_meet_takes_few_calls(
    store: DynamoDBResourceStore,
    request_table: Table,
    create_user: CreateUser,  # noqa: F811
) -> None:
    """Keys are read in 3, 5, 9 and 17 at a time, and the users of each in one batch."""
    for number in range(30):
        create_user(f"user-{number:02}", active=number != 29)
    before = request_table.calls
    page = store.list_page(ListQuery(ListOrder.USER_NAME, False, 2, is_inactive))
    assert [user.resource["userName"] for user in page.users] == ["user-29"]
    assert page.users_read == 30
    assert request_table.calls - before == 8


@pytest.mark.parametrize("is_descending", [False, True])
def test_limit_of_users_read_ends_a_page(
    store: DynamoDBResourceStore,
    create_user: CreateUser,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    is_descending: bool,
) -> None:
    monkeypatch.setattr(list_page, "MAX_USERS_READ", 10)
    names = [f"user-{number:02}" for number in range(25)]
    for number, name in enumerate(names):
        create_user(name, active=number not in (2, 14, 24))
    pages = read_all(store, ListQuery(ListOrder.USER_NAME, is_descending, 10, is_inactive))
    listed = [user.resource["userName"] for page in pages for user in page.users]
    assert listed == [names[number] for number in ((24, 14, 2) if is_descending else (2, 14, 24))]
    assert [(page.users_read, page.is_incomplete) for page in pages] == [(10, True), (10, True), (5, False)]


def test_full_page_at_the_limit_is_complete(
    store: DynamoDBResourceStore,
    create_user: CreateUser,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_page, "MAX_USERS_READ", 5)
    for number in range(8):
        create_user(f"user-{number}", active=False)
    pages = read_all(store, ListQuery(ListOrder.USER_NAME, False, 5, is_inactive))
    assert [(len(page.users), page.is_incomplete) for page in pages] == [(5, False), (3, False)]


def test_search_takes_half_of_the_time(
    store: DynamoDBResourceStore,
    request_table: Table,
    create_user: CreateUser,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_page, "BATCH_SIZE", 5)
    for number in range(30):
        create_user(f"user-{number:02}")
    remaining_s = [28.0]

    def pass_time(*args: Any, **arguments: Any) -> Any:
        remaining_s[0] -= 5
        return get_all(*args, **arguments)

    get_all = request_table.get_all
    monkeypatch.setattr(request_table, "get_all", pass_time)
    monkeypatch.setattr(request_table, "deadline", Deadline(lambda: remaining_s[0], lambda _: None))
    page = store.list_page(ListQuery(ListOrder.USER_NAME, False, 5, is_inactive))
    assert (page.users_read, page.is_incomplete) == (20, True)
    assert page.next_position == "N#user-19"
