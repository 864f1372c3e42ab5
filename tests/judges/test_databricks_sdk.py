"""The users API of databricks-sdk manages users.

Its path is fixed, so a proxy removes the prefix. It lists with ``startIndex`` until a page is empty.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.service.iam import (
    ComplexValue,
    ListSortOrder,
    Name,
    Patch,
    PatchOp,
    PatchSchema,
    User,
    UserSchema,
)

from tests.judges.checks import Checks
from tests.judges.conftest import Report
from tests.judges.local_run import Tenant
from tests.judges.prefix_proxy import serve_prefix
from tests.judges.verdict import Judge
from tests.size import scale

SCHEMAS = [UserSchema.URN_IETF_PARAMS_SCIM_SCHEMAS_CORE_2_0_USER]
PATCH_SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
USERS = scale(150)


@pytest.fixture
def users(tenant: Tenant) -> Iterator[Any]:
    """The users API of a client."""
    with serve_prefix("/api/2.0/preview", tenant.url) as url:
        yield WorkspaceClient(host=url, token=tenant.token, auth_type="pat").users


def build_user(number: int) -> User:
    name = f"sasha{number}@example.com"
    return User(
        active=True,
        display_name=f"Sasha {number:03}",
        emails=[ComplexValue(value=name, type="work", primary=True)],
        entitlements=[ComplexValue(value="allow-cluster-create")],
        external_id=f"s-{number}",
        name=Name(given_name="Sasha", family_name=f"Oak{number}"),
        roles=[ComplexValue(value="reader")],
        schemas=SCHEMAS,
        user_name=name,
    )


def send(call: Any, *arguments: str, user: User) -> Any:
    """Call a method that takes the members of a user as arguments."""
    members = {name: value for name, value in vars(user).items() if value is not None and name not in ("id", "groups")}
    return call(*arguments, **members)


def patch(users: Any, id_: str, *operations: Patch) -> None:
    users.patch(id_, operations=list(operations), schemas=PATCH_SCHEMAS)


def summarize(user: User) -> tuple[Any, ...]:
    return (
        *(user.active, user.display_name, user.external_id, user.user_name, user.name),
        *(user.emails, user.entitlements, user.roles),
    )


def test_users(users: Any, report: Report) -> None:
    checks = Checks()
    stored: dict[str, User] = {}
    for number in range(USERS):
        with checks.check("create"):
            user = send(users.create, user=build_user(number))
            stored[user.id] = user
            assert summarize(user) == summarize(build_user(number))
        with checks.check("duplicate is a conflict"), pytest.raises(ResourceConflict):
            send(users.create, user=build_user(number))
    for id_, user in stored.items():
        with checks.check("get"):
            assert summarize(users.get(id_)) == summarize(user)
        with checks.check("list by user name, ignoring case"):
            assert [item.id for item in users.list(filter=f'userName eq "{user.user_name.upper()}"')] == [id_]
    check_lists(users, checks, stored)
    check_patches(users, checks, stored)
    check_updates(users, checks, stored)
    check_deletions(users, checks, stored)

    report(Judge.DATABRICKS_SDK, checks.list())


def is_projected(user: User) -> bool:
    """Return whether a user has only ``id``, ``userName`` and ``schemas``, which every response has."""
    members = {"id": user.id, "userName": user.user_name, "schemas": [schema.value for schema in SCHEMAS]}
    return bool(user == User.from_dict(members))


def check_lists(users: Any, checks: Checks, stored: dict[str, User]) -> None:
    for name, count in (("list", None), ("list in pages", 20)):
        with checks.check(name):
            assert sorted(user.id for user in users.list(count=count)) == sorted(stored)
    with checks.check("list in descending order"):
        names = [user.display_name for user in users.list(sort_by="displayName", sort_order=ListSortOrder.DESCENDING)]
        assert names == sorted((user.display_name for user in stored.values()), reverse=True)
    with checks.check("list with attributes"):
        listed = list(users.list(attributes="id,userName", count=20))
        assert all(is_projected(user) for user in listed)
        assert len(listed) == USERS
    with checks.check("list with excluded attributes"):
        assert all(user.user_name and not user.emails for user in users.list(excluded_attributes="emails"))
    for operator, text, expected in (
        ("co", "asha", USERS),
        ("sw", "sasha0", 1),
        ("ne", "sasha0@example.com", USERS - 1),
    ):
        with checks.check(f"list with the operator {operator}"):
            assert len(list(users.list(filter=f'userName {operator} "{text}"'))) == expected
    with checks.check("invalid filter is a bad request"), pytest.raises(BadRequest):
        list(users.list(filter="userName eq"))


def check_patches(users: Any, checks: Checks, stored: dict[str, User]) -> None:
    for id_ in stored:
        with checks.check("patch with a path"):
            patch(users, id_, Patch(op=PatchOp.REPLACE, path="name.familyName", value="Elm"))
            assert users.get(id_).name.family_name == "Elm"
        with checks.check("patch without a path"):
            patch(users, id_, Patch(op=PatchOp.REPLACE, value={"active": False}))
            assert users.get(id_).active is False
        with checks.check("patch to false with a path"):
            patch(users, id_, Patch(op=PatchOp.REPLACE, path="active", value=False))
        with checks.check("patch adds and removes a role"):
            patch(users, id_, Patch(op=PatchOp.ADD, path="roles", value=[{"value": "writer"}]))
            assert [role.value for role in users.get(id_).roles] == ["reader", "writer"]
            patch(users, id_, Patch(op=PatchOp.REMOVE, path='roles[value eq "reader"]'))
            assert [role.value for role in users.get(id_).roles] == ["writer"]


def check_updates(users: Any, checks: Checks, stored: dict[str, User]) -> None:
    for number, id_ in enumerate(stored):
        with checks.check("update"):
            send(users.update, id_, user=build_user(number))
            assert summarize(users.get(id_)) == summarize(build_user(number))


def check_deletions(users: Any, checks: Checks, stored: dict[str, User]) -> None:
    for id_ in stored:
        with checks.check("delete"):
            users.delete(id_)
        with checks.check("deleted user is not found"), pytest.raises(NotFound):
            users.get(id_)
        with checks.check("second delete is not found"), pytest.raises(NotFound):
            users.delete(id_)
    with checks.check("no user is left"):
        assert list(users.list()) == []
