"""The reference resolver: links of users, and concurrent tasks. Tests on a real engine are in tests/engine."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest

from scim.protocol.errors import Unavailable
from scim.protocol.normalize import normalize_string
from scim.protocol.schema import load_user_type
from scim.service.model.change_record import ChangeRecord
from scim.service.model.identifiers import hash_identifier, identify_user
from scim.service.model.links import ReferrerEntry, UserLinks
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.service.model.timestamps import parse_rfc3339
from scim.service.references.link_task import LinkResult, LinkTask, ReferrerPosition
from scim.service.references.links import carry_over_links
from scim.service.references.reference_resolver import QUERIES_PER_TASK, ReferenceResolver
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import NOW, new_id

MANAGER = f"{ENTERPRISE}:manager"
NO_HASHES: frozenset[str] = frozenset()


class Users:
    """The users of a tenant in memory. Runs ``before[name]`` before the next call of the method ``name``."""

    def __init__(self) -> None:
        self.users: dict[str, StoredResource] = {}
        self.entries: set[tuple[str, str]] = set()
        self.changes: list[ChangeRecord] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.queries = 0

    def _run_concurrent_write(self, name: str) -> None:
        if write := self.before.pop(name, None):
            write()

    def get_all(self, ids: Collection[str]) -> dict[str, StoredResource]:
        users = {user_id: self.users[user_id] for user_id in ids if user_id in self.users}
        self._run_concurrent_write("get_all")
        return users

    def find_matching_user_ids(self, value: str) -> Iterator[Collection[str]]:
        for kind in ("id", "userName", "externalId", "email"):
            identifiers = {user.id: identify_user(user.resource).identifiers for user in list(self.users.values())}
            yield [
                user_id
                for user_id, values in identifiers.items()
                if any((kind, normalize_string(value)) == (k, normalize_string(v)) for k, v in values)
            ]

    def update_reference_index(self, add: Collection[ReferrerEntry], remove: Collection[ReferrerEntry]) -> None:
        self._run_concurrent_write("update_reference_index")
        self.entries = self.entries - set(remove) | set(add)

    def list_referrers(self, identifier_hash: str, after: str, limit: int) -> list[str]:
        self.queries += 1
        referrers = sorted(
            user_id for user_id, entry_hash in self.entries if entry_hash == identifier_hash and user_id > after
        )
        self._run_concurrent_write("list_referrers")
        return referrers[:limit]

    def write_links(self, user: StoredResource, links: UserLinks, change: ChangeRecord) -> None:
        self._run_concurrent_write("write_links")
        if self.users.get(user.id) != user:
            raise VersionConflict
        self.users[user.id] = replace(user, links_json=links.to_json())
        self.changes.append(change)

    # Requests, which return the tasks that follow from them

    def put(self, name: str, manager: str = "", user_id: str = "", **attributes: Any) -> LinkTask:
        """Create a user, or replace one."""
        old = self.users.get(user_id)
        extension = {ENTERPRISE: {"manager": {"value": manager}}} if manager else {}
        resource = {"schemas": [CORE], "id": user_id or new_id(), "userName": name, **attributes, **extension}
        self.users[resource["id"]] = StoredResource.from_resource(
            resource, old.version + 1 if old else 1, NOW, NOW, NOW
        )
        former_identifiers = identify_user(old.resource).hashes - identify_user(resource).hashes if old else NO_HASHES
        removed_references = self._hash_references(old) - ({hash_identifier(manager)} if manager else NO_HASHES)
        return LinkTask("acme", resource["id"], 1, True, former_identifiers, removed_references, "r1")

    def delete(self, user_id: str) -> LinkTask:
        old = self.users.pop(user_id)
        return LinkTask("acme", user_id, 2, False, identify_user(old.resource).hashes, self._hash_references(old), "r2")

    def carry_over(self, before: StoredResource | None, user_id: str, target: str | None = None) -> None:
        """Carry links over to a user, as its write does. ``target`` is the manager's id that the client sends."""
        user = self.users[user_id]
        links = UserLinks.parse(before.links_json if before else "")
        client_refs = {(MANAGER, "boss"): target} if target else {}
        user.links_json = carry_over_links(links, user.resource, load_user_type(), client_refs).to_json()

    def _hash_references(self, user: StoredResource | None) -> frozenset[str]:
        manager = user.resource.get(ENTERPRISE, {}).get("manager") if user else None
        return frozenset({hash_identifier(manager["value"])} if manager else ())

    def list_manager_ids(self, user_id: str) -> list[str]:
        return [link.user_id for link in UserLinks.parse(self.users[user_id].links_json).links]


@pytest.fixture
def users() -> Users:
    return Users()


def run_step(users: Users, task: LinkTask) -> LinkResult:
    return ReferenceResolver(users, load_user_type(), lambda: parse_rfc3339(NOW)).run(task)


def run(users: Users, *tasks: LinkTask) -> int:
    """Run tasks to their end, one after the other. Return how often links were written."""
    linked = 0
    for first in tasks:
        task: LinkTask | None = first
        while task:
            result = run_step(users, task)
            linked, task = linked + result.links_written, result.remaining_task
    return linked


def test_tasks_can_run_twice_in_any_order(users: Users) -> None:
    alice = users.put("alice", "boss")
    boss = users.put("boss")
    assert run(users, boss, alice) == 1
    assert run(users, alice) == 0
    assert run(users, boss, boss, alice) == 0
    assert users.list_manager_ids(alice.user_id) == [boss.user_id]


def test_link_record_has_the_request_id(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    run(users, alice, replace(boss, request_id="r-create"))
    run(users, replace(users.delete(boss.user_id), request_id="r-delete"))
    changes = [(change.operation, change.request_id, change.links, change.user_name) for change in users.changes]
    assert changes[-1] == ("link", "r-delete", [], "alice")
    assert [links for _, _, links, _ in changes] == [[(MANAGER, boss.user_id)], []]


def test_id_precedes_user_name(users: Users) -> None:
    boss = users.put("boss")
    other = users.put(boss.user_id)
    alice = users.put("alice", boss.user_id)
    run(users, boss, other, alice)
    assert users.list_manager_ids(alice.user_id) == [boss.user_id]


def test_reference_to_future_id(users: Users) -> None:
    """A bulk request selects ids before it creates users."""
    chosen = new_id()
    alice = users.put("alice", chosen)
    run(users, alice)
    boss = users.put("boss", user_id=chosen)
    run(users, boss)
    assert users.list_manager_ids(alice.user_id) == [chosen]


def test_each_change_adds_missing_index_entry(users: Users) -> None:
    """The user was created before links existed, or before its attribute became a reference."""
    alice, boss = users.put("alice", "boss"), users.put("boss")
    run(users, replace(alice, has_new_identifiers=False))
    assert users.list_manager_ids(alice.user_id) == [boss.user_id]
    run(users, users.delete(boss.user_id))
    assert users.list_manager_ids(alice.user_id) == []


def test_client_ref_is_resolved(users: Users) -> None:
    boss, other = users.put("boss"), users.put("other")
    right, wrong = users.put("alice", "boss"), users.put("bob", "boss")
    users.carry_over(None, right.user_id, boss.user_id)
    users.carry_over(None, wrong.user_id, other.user_id)
    run(users, boss, other, right, wrong)
    assert users.list_manager_ids(right.user_id) == users.list_manager_ids(wrong.user_id) == [boss.user_id]
    changes = {change.user_name: (change.attributes_changed, change.links) for change in users.changes}
    assert changes == {"alice": ([MANAGER], [(MANAGER, boss.user_id)]), "bob": ([MANAGER], [(MANAGER, boss.user_id)])}


def test_removed_reference_has_a_change_record(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    run(users, alice, boss)
    before = users.users[alice.user_id]
    change = users.put("alice", "unknown", alice.user_id)
    users.carry_over(before, alice.user_id)
    assert users.list_manager_ids(alice.user_id) == [boss.user_id]
    run(users, change)
    assert users.list_manager_ids(alice.user_id) == []
    assert [(change.attributes_changed, change.links) for change in users.changes[1:]] == [([MANAGER], [])]


def test_target_deleted_before_the_write(users: Users) -> None:
    alice, boss = users.put("alice", "boss"), users.put("boss")
    run(users, boss)
    users.before["write_links"] = lambda: run(users, users.delete(boss.user_id))
    run(users, alice)
    assert users.list_manager_ids(alice.user_id) == []


def test_target_created_after_the_lookup(users: Users) -> None:
    alice = users.put("alice", "boss")
    users.before["update_reference_index"] = lambda: run(users, users.put("boss"))
    run(users, alice)
    assert len(users.list_manager_ids(alice.user_id)) == 1


def test_index_entry_of_another_task_is_kept(users: Users) -> None:
    alice = users.put("alice", "x")
    run(users, alice)
    change = users.put("alice", "y", alice.user_id)

    def restore() -> None:
        run(users, users.put("alice", "x", alice.user_id))

    users.before["update_reference_index"] = restore
    run(users, change)
    assert users.entries == {(alice.user_id, hash_identifier("x"))}


def test_deleted_referrer_leaves_no_index_entry(users: Users) -> None:
    alice = users.put("alice", "boss")
    users.before["update_reference_index"] = lambda: run(users, users.delete(alice.user_id))
    run(users, alice)
    assert users.entries == set()


def test_user_changed_during_the_task_is_linked(users: Users) -> None:
    alice, boss, chief = users.put("alice", "boss"), users.put("boss"), users.put("chief")

    def change() -> None:
        users.put("alice", "chief", alice.user_id)

    users.before["write_links"] = change
    run(users, alice, boss, chief)
    assert users.list_manager_ids(alice.user_id) == [chief.user_id]


def test_task_without_time_can_be_repeated(users: Users) -> None:
    reports = [users.put(f"report{number}", "boss") for number in range(100)]
    run(users, *reports)
    boss = users.put("boss")
    left = iter(range(40))

    class SlowUsers(Users):
        def write_links(self, user: StoredResource, links: UserLinks, change: ChangeRecord) -> None:
            if next(left, None) is None:
                raise Unavailable("The time is up.")
            users.write_links(user, links, change)

    slow_users = SlowUsers()
    slow_users.users, slow_users.entries = users.users, users.entries
    with pytest.raises(Unavailable):
        run(slow_users, boss)
    assert sum(users.list_manager_ids(report.user_id) == [boss.user_id] for report in reports) == 40
    assert run(users, boss) == 60
    assert all(users.list_manager_ids(report.user_id) == [boss.user_id] for report in reports)


class TestPages:
    """A task updates a limited number of referrers. Another task updates the rest."""

    PAGE = 8
    REPORTS = 2 * PAGE + 3

    @pytest.fixture(autouse=True)
    def _small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("scim.service.references.reference_resolver.REFERRERS_PER_TASK", self.PAGE)

    @pytest.fixture
    def reports(self, users: Users) -> list[LinkTask]:
        reports = [users.put(f"report{number}", "boss") for number in range(self.REPORTS)]
        run(users, *reports)
        return reports

    def count_linked(self, users: Users, reports: list[LinkTask], boss: str) -> int:
        return sum(users.list_manager_ids(report.user_id) == [boss] for report in reports)

    def test_each_task_updates_one_page(self, users: Users, reports: list[LinkTask]) -> None:
        boss = users.put("boss")
        task: LinkTask | None = boss
        pages = []
        while task:
            result = run_step(users, task)
            pages.append(result.links_written)
            task = result.remaining_task
        assert pages == [self.PAGE, self.PAGE, 3]
        assert self.count_linked(users, reports, boss.user_id) == self.REPORTS

    @pytest.mark.usefixtures("reports")
    def test_positions_only_advance(self, users: Users) -> None:
        """So the chain of tasks ends, even if other requests write at the same time."""
        boss = users.put("boss", externalId="boss", emails=[{"value": "boss"}])
        positions: list[tuple[int, str]] = []
        rest = run_step(users, boss).remaining_task
        while rest and rest.position:
            positions.append((-len(rest.position.identifier_hashes), rest.position.after))
            rest = run_step(users, rest).remaining_task
        assert positions == sorted(set(positions))

    def test_target_renamed_between_pages(self, users: Users, reports: list[LinkTask]) -> None:
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        assert rest is not None
        run(users, users.put("other", user_id=boss.user_id))
        assert run(users, rest) == 0
        assert self.count_linked(users, reports, boss.user_id) == 0

    def test_target_deleted_while_a_page_is_read(self, users: Users, reports: list[LinkTask]) -> None:
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        assert rest is not None
        users.before["list_referrers"] = lambda: run(users, users.delete(boss.user_id))
        run(users, rest)
        assert self.count_linked(users, reports, boss.user_id) == 0

    def test_target_deleted_during_the_write(self, users: Users, reports: list[LinkTask]) -> None:
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        assert rest is not None
        users.before["write_links"] = lambda: run(users, users.delete(boss.user_id))
        run(users, rest)
        assert self.count_linked(users, reports, boss.user_id) == 0

    @pytest.mark.parametrize("digit", ["0", "f"])
    @pytest.mark.usefixtures("reports")
    def test_referrer_created_between_pages(self, users: Users, digit: str) -> None:
        """Its index entry may be before or after the page."""
        user_id = f"{digit * 8}-0000-4000-8000-000000000000"
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        assert rest is not None
        referrer = users.put("referrer", "boss", user_id)
        run(users, referrer)
        run(users, rest)
        assert users.list_manager_ids(referrer.user_id) == [boss.user_id]

    @pytest.mark.usefixtures("reports")
    def test_page_can_be_repeated(self, users: Users) -> None:
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        assert rest is not None
        assert (run_step(users, rest).links_written, run_step(users, rest).links_written) == (self.PAGE, 0)
        assert run(users, rest) == 3

    def test_many_identifiers_take_several_tasks(self, users: Users) -> None:
        alice = users.put("alice", "last@x")
        run(users, alice)
        boss = users.put("boss", emails=[{"value": f"{number}@x"} for number in range(99)] + [{"value": "last@x"}])
        users.queries = 0
        rest = run_step(users, boss).remaining_task
        assert (users.queries, rest is not None) == (QUERIES_PER_TASK, True)
        run(users, boss)
        assert users.list_manager_ids(alice.user_id) == [boss.user_id]

    def test_remaining_task_has_a_position(self, users: Users, reports: list[LinkTask]) -> None:
        boss = users.put("boss")
        rest = run_step(users, boss).remaining_task
        last = sorted(report.user_id for report in reports)[self.PAGE - 1]
        assert rest
        assert rest.position
        assert rest == replace(boss, position=ReferrerPosition(rest.position.identifier_hashes, last))
