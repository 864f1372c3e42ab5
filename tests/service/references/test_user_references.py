"""The references of a user, and the users who refer to it."""

import pytest

from scim.protocol.schema import load_user_type
from scim.service.references.reference_resolver import ReferenceResolver
from scim.service.references.user_references import MAX_REFERRERS, UserReferences, load_references
from tests.service.references.test_reference_resolver import MANAGER, Users


@pytest.fixture
def users() -> Users:
    return Users()


def put(users: Users, name: str, manager: str = "", user_id: str = "") -> str:
    """Create or replace a user, run its link task, and return its id."""
    task = users.put(name, manager, user_id)
    ReferenceResolver(users, load_user_type(), lambda: 0.0).run(task)
    return task.user_id


def load(users: Users, user_id: str) -> UserReferences:
    return load_references(users, users.users[user_id], load_user_type())


def test_reference_has_the_user_when_that_exists(users: Users) -> None:
    report = put(users, "ada", "boss")
    waiting = load(users, report)
    boss = put(users, "boss")
    resolved = load(users, report)

    assert [(reference.attribute, reference.value, reference.user) for reference in waiting.references] == [
        (MANAGER, "boss", None)
    ]
    assert [reference.user for reference in resolved.references] == [users.users[boss]]


def test_referrers_are_found_by_any_identifier(users: Users) -> None:
    boss = put(users, "boss")
    by_name, by_id = put(users, "ada", "BOSS"), put(users, "bob", boss)
    put(users, "eve", "other")

    found = load(users, boss)

    assert {referrer.user.id for referrer in found.referrers} == {by_name, by_id}
    assert all(referrer.attributes == [MANAGER] and referrer.is_resolved for referrer in found.referrers)
    assert not found.has_more_referrers


def test_link_that_is_not_made_yet_is_not_resolved(users: Users) -> None:
    boss = put(users, "boss")
    ada = put(users, "ada", "boss")
    users.users[ada].links_json = ""
    assert [referrer.is_resolved for referrer in load(users, boss).referrers] == [False]


def test_stale_entry_is_no_referrer(users: Users) -> None:
    boss, ada = put(users, "boss"), put(users, "ada", "boss")
    users.put("ada", "", ada)
    assert [user_id for user_id, _ in users.entries] == [ada]
    assert load(users, boss).referrers == []


def test_link_from_a_client_is_shown_until_a_task_resolves_it(users: Users) -> None:
    boss = put(users, "the boss")
    report = users.put("ada", "boss").user_id
    users.carry_over(None, report, target=boss)
    assert [reference.user for reference in load(users, report).references] == [users.users[boss]]


def test_only_some_of_many_referrers_are_read(users: Users) -> None:
    boss = put(users, "boss")
    for number in range(MAX_REFERRERS + 10):
        put(users, f"report-{number}", "boss")

    users.queries = 0
    found = load(users, boss)

    assert (len(found.referrers), found.has_more_referrers, users.queries) == (MAX_REFERRERS, True, 2)


def test_number_of_queries_is_limited(users: Users) -> None:
    emails = [{"value": f"boss-{number}@example.com"} for number in range(30)]
    boss = users.put("boss", emails=emails).user_id
    users.queries = 0
    assert load(users, boss).has_more_referrers
    assert users.queries == 10
