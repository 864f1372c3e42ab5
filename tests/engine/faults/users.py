"""The users of a customer before and after a request, and what a request may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.endpoint import Endpoint


@dataclass(frozen=True)
class User:
    """A stored user: its attributes without ``id`` and ``meta``, and its version."""

    attributes: Mapping[str, Any]
    version: int


Users = Mapping[str, User]
"""Users by id."""


def read_users(endpoint: Endpoint) -> Users:
    """Read all users of a customer, as an identity provider does."""
    response = endpoint.request("GET", "/Users?count=100")
    assert response.status == 200, response.body
    return {user["id"]: parse_user(user) for user in response.json()["Resources"]}


def parse_user(user: Mapping[str, Any]) -> User:
    attributes = {name: value for name, value in user.items() if name not in ("id", "meta", "schemas")}
    return User(attributes, int(user["meta"]["version"].strip('W/"')))


def find_id(users: Users, name: str) -> str | None:
    """Return the id of the user with a ``userName``, ``None`` if there is none."""
    return next((user_id for user_id, user in users.items() if user.attributes["userName"] == name), None)


def list_changes(before: Users, after: Users) -> set[tuple[str, int]]:
    """Return the id and the version of each change record that the changes between two states need."""
    changes = set()
    for user_id in before.keys() | after.keys():
        first = before[user_id].version if user_id in before else 0
        last = after[user_id].version if user_id in after else first + 1
        changes |= {(user_id, version) for version in range(first + 1, last + 1)}
    return changes


class Write(Protocol):
    """A change of one request or bulk operation, which is stored completely or not at all."""

    def find(self, before: Users, after: Users) -> set[str] | None:
        """Return the ids of the changed users if the change is stored, ``None`` if it is not."""


@dataclass(frozen=True)
class Create:
    """A new user."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def find(self, before: Users, after: Users) -> set[str] | None:
        """Implement :class:`Write`."""
        expected = {"userName": self.name, "active": True, **self.attributes}
        ids = {
            user_id
            for user_id in after.keys() - before.keys()
            if after[user_id].version == 1 and expected.items() <= after[user_id].attributes.items()
        }
        assert len(ids) <= 1, f"{self.name} was created twice"
        return ids or None


@dataclass(frozen=True)
class Update:
    """New values of attributes of a user."""

    name: str
    attributes: Mapping[str, Any]

    def find(self, before: Users, after: Users) -> set[str] | None:
        """Implement :class:`Write`."""
        user_id = find_id(before, self.name)
        assert user_id is not None
        new = User({**before[user_id].attributes, **self.attributes}, before[user_id].version + 1)
        return {user_id} if after.get(user_id) == new else None


@dataclass(frozen=True)
class Delete:
    """The end of a user."""

    name: str

    def find(self, before: Users, after: Users) -> set[str] | None:
        """Implement :class:`Write`."""
        user_id = find_id(before, self.name)
        assert user_id is not None
        return None if user_id in after else {user_id}


def find_stored(before: Users, after: Users, writes: Sequence[Write | None]) -> list[bool]:
    """Return, for each write, whether it is stored. Fail if a user was changed in any other way."""
    changed_ids = {user_id for user_id in before.keys() | after.keys() if before.get(user_id) != after.get(user_id)}
    found = [write.find(before, after) if write else None for write in writes]
    explained = {user_id for ids in found for user_id in ids or ()}
    assert changed_ids == explained, f"unexpected changes: {before} became {after}"
    return [ids is not None for ids in found]
