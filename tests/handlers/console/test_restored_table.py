"""After a restore of the table, the console knows no invitation and no session of the time before."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from handlers.console.application import ConsoleApplication
from tests.endpoint import Endpoint
from tests.handlers.console.test_security import invite
from tests.handlers.console.visitor import Visitor

Tenant = tuple[str, Endpoint]
Restore = Callable[[list[dict[str, Any]]], Callable[[Visitor], Visitor]]


@pytest.fixture
def restore(table: Any, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """Return a function that replaces all items by those of a backup, as a stack with ``RestoredAt`` uses them.

    It returns a function that returns a visitor with the same cookies for the console of this stack.
    """

    def restore(backup: list[dict[str, Any]]) -> Callable[[Visitor], Visitor]:
        with table.batch_writer() as batch:
            for item in table.scan()["Items"]:
                batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
        with table.batch_writer() as batch:
            for item in backup:
                batch.put_item(Item=item)
        restored_at = int(time.time()) + 1
        monkeypatch.setenv("RESTORED_AT", str(restored_at))
        monkeypatch.setattr("handlers.console.application.time.time", lambda: restored_at + 2.0)
        console = ConsoleApplication()

        def move(visitor: Visitor) -> Visitor:
            moved = Visitor(console)
            moved.cookies = dict(visitor.cookies)
            return moved

        return move

    return restore


def test_revoked_invitation_stays_revoked(
    table: Any, operator_visitor: Visitor, tenant: Tenant, restore: Restore, operator: Any
) -> None:
    link = invite(operator_visitor, tenant[0])
    backup = table.scan()["Items"]
    operator.revoke_invitations(tenant[0])
    assert restore(backup)(Visitor()).get(link).status == 410


def test_accepted_invitation_cannot_be_accepted_again(
    table: Any, operator_visitor: Visitor, tenant: Tenant, restore: Restore
) -> None:
    link, guest = invite(operator_visitor, tenant[0]), Visitor()
    backup = table.scan()["Items"]
    guest.submit(page := guest.get(link), page.forms[0])
    assert restore(backup)(Visitor()).get(link).status == 410


def test_invitation_after_restore_is_valid(
    table: Any, operator_visitor: Visitor, tenant: Tenant, restore: Restore
) -> None:
    move = restore(table.scan()["Items"])
    operator = move(Visitor())
    assert operator.sign_in().status == 200
    assert move(Visitor()).get(invite(operator, tenant[0])).status == 200


@pytest.mark.parametrize("is_guest", [True, False], ids=["guest", "operator"])
def test_ended_session_stays_ended(
    table: Any, operator_visitor: Visitor, tenant: Tenant, restore: Restore, *, is_guest: bool
) -> None:
    visitor = operator_visitor
    if is_guest:
        visitor = Visitor()
        visitor.submit(page := visitor.get(invite(operator_visitor, tenant[0])), page.forms[0])
    path = f"/admin/tenants/{tenant[0]}/connect"
    page = visitor.get(path)
    assert page.status == 200
    cookies, backup = dict(visitor.cookies), table.scan()["Items"]
    visitor.submit(page, page.form("/sign-out"))
    visitor.cookies = cookies

    moved = restore(backup)(visitor)

    assert path not in moved.get(path).url
