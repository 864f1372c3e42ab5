"""scim-client, a client library for service providers, manages users.

It reads each response into classes that require ``id``, ``externalId``, ``userName``, ``displayName``, ``active``,
``name`` and ``emails``. It updates with PUT, and has no PATCH.
"""

import ssl
from functools import cache
from typing import Any
from urllib.error import HTTPError

import pytest
from scim_client import SCIMClient
from scim_client.resources import User

from tests.judges.checks import Checks
from tests.judges.conftest import Report
from tests.judges.local_run import Tenant
from tests.judges.verdict import Judge
from tests.size import scale

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USERS = scale(150)


def build_user(number: int) -> User:
    given_name, name = f"Robin{number}", f"robin{number}@example.com"
    return User(
        id="",
        external_id=f"r-{number}",
        user_name=name,
        display_name=f"{given_name} Vale",
        active=True,
        name={"given_name": given_name, "family_name": "Vale"},
        emails=[{"value": name, "type": "work", "primary": True}],
        schemas=[CORE, ENTERPRISE],
        enterprise_user={"department": "Tours", "employee_number": str(number)},
    )


def summarize(user: User) -> tuple[Any, ...]:
    extension = user.enterprise_user
    return (
        user.external_id,
        user.user_name,
        user.display_name,
        user.active,
        user.name.given_name,
        [(email.value, email.type, email.primary) for email in user.emails],
        (extension.department, extension.employee_number),
    )


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client creates a TLS context for each request, which takes 20 ms and which HTTP does not use."""
    monkeypatch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))


def test_users(tenant: Tenant, report: Report) -> None:
    client = SCIMClient(tenant.url, tenant.token)
    checks = Checks()
    stored: dict[str, User] = {}
    for number in range(USERS):
        with checks.check("create"):
            user = client.create_user(build_user(number))
            stored[user.id] = user
            assert summarize(user) == summarize(build_user(number))
        with checks.check("duplicate is 409"):
            assert_status(409, lambda number=number: client.create_user(build_user(number)))
    for id_, user in stored.items():
        with checks.check("read"):
            assert summarize(client.read_user(id_)) == summarize(user)
        with checks.check("search by user name, ignoring case"):
            result = client.search_users(f'userName eq "{user.user_name.upper()}"')
            assert (result.total_results, [found.id for found in result.resources]) == (1, [id_])
    check_pages(client, checks, stored)
    check_updates(client, checks, stored)
    check_deletions(client, checks, stored)

    report(Judge.SCIM_CLIENT, checks.list())


def check_pages(client: SCIMClient, checks: Checks, stored: dict[str, User]) -> None:
    with checks.check("pages have every user once"):
        ids: list[str] = []
        while len(ids) < USERS:
            page = client.search_users("", count=20, start_index=len(ids) + 1)
            assert page.total_results == USERS
            assert page.items_per_page == len(page.resources) > 0
            ids += [user.id for user in page.resources]
        assert sorted(ids) == sorted(stored)
    with checks.check("first page by startIndex 0"):
        assert client.search_users("", count=20).items_per_page == min(20, USERS)
    with checks.check("search without a match"):
        assert client.search_users('userName eq "unknown@example.com"').total_results == 0


def check_updates(client: SCIMClient, checks: Checks, stored: dict[str, User]) -> None:
    for id_, user in stored.items():
        with checks.check("update with what was read"):
            assert summarize(client.update_user(client.read_user(id_))) == summarize(user)
        with checks.check("update"):
            user.active, user.display_name, user.enterprise_user.department = False, "R. Vale", "Sales"
            assert summarize(client.update_user(user)) == summarize(client.read_user(id_)) == summarize(user)
    with checks.check("search for the deactivated"):
        assert client.search_users("active eq false").total_results == USERS


def check_deletions(client: SCIMClient, checks: Checks, stored: dict[str, User]) -> None:
    for id_ in stored:
        with checks.check("delete"):
            assert client.delete_user(id_).status_code == 204
        with checks.check("deleted user is 404"):
            assert_status(404, lambda id_=id_: client.read_user(id_))
        with checks.check("second delete is 404"):
            assert_status(404, lambda id_=id_: client.delete_user(id_))
    with checks.check("no user is left"):
        assert client.search_users("").total_results == 0


def assert_status(status: int, send: Any) -> None:
    with pytest.raises(HTTPError) as error:
        send()
    error.value.close()
    assert error.value.code == status
