"""Who is linked to whom, and what comes of changes that are followed at the same time (tests/engine: on a real one)."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest

from scim.protocol.comparison import key
from scim.protocol.errors import Unavailable
from scim.protocol.schema import user_type
from scim.service.linking import Followed, Linking, Seeking
from scim.service.links import Links, carry
from scim.service.people import handle, known_by
from scim.service.ports import Change, VersionConflict
from scim.service.stored import Stored
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import NOW, new_id

MANAGER = f"{ENTERPRISE}:manager"
NOBODY: frozenset[str] = frozenset()


class Users:
    """The users of a tenant in memory. ``before`` is what others do before the next call of a name."""

    def __init__(self) -> None:
        self.users: dict[str, Stored] = {}
        self.entries: set[tuple[str, str]] = set()
        self.changes: list[Change] = []
        self.before: dict[str, Callable[[], object]] = {}

    def _others(self, name: str) -> None:
        if act := self.before.pop(name, None):
            act()

    def get_all(self, ids: Collection[str]) -> dict[str, Stored]:
        found = {each: self.users[each] for each in ids if each in self.users}
        self._others("get_all")
        return found

    def named(self, value: str) -> Iterator[Collection[str]]:
        for kind in ("id", "userName", "externalId", "email"):
            people = {each.id: known_by(each.resource).identifiers for each in self.users.values()}
            yield [each for each, known in people.items() if any((kind, key(value)) == (k, key(v)) for k, v in known)]

    def enter(self, seeking: Collection[Seeking], no_longer: Collection[Seeking]) -> None:
        self._others("enter")
        self.entries = self.entries - set(no_longer) | set(seeking)

    def seekers(self, handle: str) -> Iterator[str]:
        return iter([user_id for user_id, each in self.entries if each == handle])

    def link(self, user: Stored, links: Links, change: Change) -> None:
        self._others("link")
        if self.users.get(user.id) != user:
            raise VersionConflict
        self.users[user.id] = replace(user, links=links.text)
        self.changes.append(change)

    # What requests do, and what is to be followed then

    def put(self, name: str, manager: str = "", user_id: str = "", **attributes: Any) -> Followed:
        """Somebody comes, or is now as given."""
        old = self.users.get(user_id)
        extension = {ENTERPRISE: {"manager": {"value": manager}}} if manager else {}
        resource = {"schemas": [CORE], "id": user_id or new_id(), "userName": name, **attributes, **extension}
        self.users[resource["id"]] = Stored.of(resource, old.version + 1 if old else 1, NOW, NOW, NOW)
        lost = known_by(old.resource).handles - known_by(resource).handles if old else NOBODY
        dropped = self._sought(old) - ({handle(manager)} if manager else NOBODY)
        return Followed(resource["id"], "patch" if old else "create", [MANAGER, "userName"], lost, dropped, "r1")

    def delete(self, user_id: str) -> Followed:
        old = self.users.pop(user_id)
        return Followed(user_id, "delete", [], known_by(old.resource).handles, self._sought(old), "r2")

    def _sought(self, user: Stored | None) -> frozenset[str]:
        manager = user.resource.get(ENTERPRISE, {}).get("manager") if user else None
        return frozenset({handle(manager["value"])} if manager else ())

    def manager(self, user_id: str) -> list[str]:
        return [each.id for each in Links.read(self.users[user_id].links).links]


@pytest.fixture
def users() -> Users:
    return Users()


def follow(users: Users, *changes: Followed) -> int:
    return Linking(users, user_type(), lambda: NOW).follow(changes)


def test_changes_may_be_followed_twice_and_in_any_order(users: Users) -> None:
    alice = users.put("alice", "boss")
    boss = users.put("boss")
    assert follow(users, boss, alice) == 1
    assert follow(users, alice) == 0
    assert follow(users, boss, boss, alice) == 0
    assert users.manager(alice.id) == [boss.id]


def test_a_change_of_links_is_told_with_the_request_that_led_to_it(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    follow(users, alice, replace(boss, request_id="arrival"))
    follow(users, replace(users.delete(boss.id), request_id="farewell"))
    told = [(each.operation, each.request_id, each.links, each.user_name) for each in users.changes]
    assert told[-1] == ("link", "farewell", [], "alice")
    assert [links for _, _, links, _ in told] == [[(MANAGER, boss.id)], []]


def test_an_id_outweighs_everything(users: Users) -> None:
    boss = users.put("boss")
    other = users.put(boss.id)
    alice = users.put("alice", boss.id)
    follow(users, boss, other, alice)
    assert users.manager(alice.id) == [boss.id]


def test_an_id_may_be_named_before_anybody_has_it(users: Users) -> None:
    """As in a bulk request, whose ids are chosen before it makes anybody."""
    chosen = new_id()
    alice = users.put("alice", chosen)
    follow(users, alice)
    boss = users.put("boss", user_id=chosen)
    follow(users, replace(boss, operation="create"))
    assert users.manager(alice.id) == [chosen]


def test_any_change_enters_whoever_was_not_entered(users: Users) -> None:
    """Users from before there were links, and those whose attribute names employees only now."""
    alice, boss = users.put("alice", "boss"), users.put("boss")
    follow(users, replace(alice, operation="patch", changed=["title"]))
    assert users.manager(alice.id) == [boss.id]
    follow(users, users.delete(boss.id))
    assert users.manager(alice.id) == []


def test_a_claim_is_looked_up_and_told_when_the_change_is_followed(users: Users) -> None:
    boss, other = users.put("boss"), users.put("other")
    right, wrong = users.put("alice", "boss"), users.put("bob", "boss")
    carry(None, users.users[right.id], user_type(), {(MANAGER, "boss"): boss.id})
    carry(None, users.users[wrong.id], user_type(), {(MANAGER, "boss"): other.id})
    follow(users, boss, other, right, wrong)
    assert users.manager(right.id) == users.manager(wrong.id) == [boss.id]
    told = {each.user_name: (each.changed, each.links) for each in users.changes}
    assert told == {"alice": ([MANAGER], [(MANAGER, boss.id)]), "bob": ([MANAGER], [(MANAGER, boss.id)])}


def test_an_end_that_the_client_has_made_is_told(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    follow(users, alice, boss)
    before = users.users[alice.id]
    away = users.put("alice", "nobody", alice.id)
    carry(before, users.users[alice.id], user_type(), {})
    assert users.manager(alice.id) == [boss.id]
    follow(users, away)
    assert users.manager(alice.id) == []
    assert [(each.changed, each.links) for each in users.changes[1:]] == [([MANAGER], [])]


def test_who_leaves_between_being_found_and_being_linked_is_not_linked(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    follow(users, boss)
    users.before["link"] = lambda: follow(users, users.delete(boss.id))
    follow(users, alice)
    assert users.manager(alice.id) == []


def test_who_arrives_after_being_looked_for_in_vain_is_linked(users: Users) -> None:
    alice = users.put("alice", "boss")
    users.before["enter"] = lambda: follow(users, users.put("boss"))
    follow(users, alice)
    assert len(users.manager(alice.id)) == 1


def test_an_entry_that_another_change_brings_back_meanwhile_stays(users: Users) -> None:
    alice = users.put("alice", "x")
    follow(users, alice)
    away = users.put("alice", "y", alice.id)

    def back() -> None:
        follow(users, users.put("alice", "x", alice.id))

    users.before["enter"] = back
    follow(users, away)
    assert users.entries == {(alice.id, handle("x"))}


def test_whoever_is_deleted_while_being_entered_leaves_no_entry(users: Users) -> None:
    alice = users.put("alice", "boss")
    users.before["enter"] = lambda: follow(users, users.delete(alice.id))
    follow(users, alice)
    assert users.entries == set()


def test_a_user_that_changes_meanwhile_is_linked_as_it_is_then(users: Users) -> None:
    alice, boss, chief = users.put("alice", "boss"), users.put("boss"), users.put("chief")

    def change() -> None:
        users.put("alice", "chief", alice.id)

    users.before["link"] = change
    follow(users, alice, boss, chief)
    assert users.manager(alice.id) == [chief.id]


def test_when_the_time_is_up_what_was_done_stays_and_the_rest_is_done_the_next_time(users: Users) -> None:
    reports = [users.put(f"report{number}", "boss") for number in range(100)]
    follow(users, *reports)
    boss = users.put("boss")
    left = iter(range(40))

    class Impatient(Users):
        def link(self, user: Stored, links: Links, change: Change) -> None:
            if next(left, None) is None:
                raise Unavailable("The time is up.")
            users.link(user, links, change)

    impatient = Impatient()
    impatient.users, impatient.entries = users.users, users.entries
    with pytest.raises(Unavailable):
        follow(impatient, boss)
    assert sum(users.manager(each.id) == [boss.id] for each in reports) == 40
    assert follow(users, boss) == 60
    assert all(users.manager(each.id) == [boss.id] for each in reports)
