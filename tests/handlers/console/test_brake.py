"""The alert about a mass deactivation, the brake and the release in the console."""

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import Endpoint
from tests.handlers.console.test_security import invite
from tests.handlers.console.visitor import Visitor
from tests.handlers.tenants import start_environment


def delete_users(endpoint: Endpoint, number: int) -> list[int]:
    """Create and delete users. Return the statuses of the deletions."""
    users = [endpoint.create() for _ in range(number)]
    return [endpoint.request("DELETE", f"/Users/{user['id']}").status for user in users]


def test_alert_without_the_brake(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, endpoint = tenant
    delete_users(endpoint, 10)
    status = operator_visitor.get(f"/admin/tenants/{name}")
    assert "mass deactivation" in status.text
    assert "10 of 10 active users were deactivated or deleted within an hour" in status.text
    assert "End this alert" in status.text
    log = operator_visitor.get(f"/admin/tenants/{name}/log")
    assert "Alert: 10 of 10 active users were deactivated or deleted within an hour. More are accepted." in log.text

    status = operator_visitor.submit(status, status.form("/release"))
    assert "mass deactivation" not in status.text
    assert "End this alert" not in status.text


def test_brake_holds_until_it_is_released(operator_visitor: Visitor, tenant: tuple[str, Endpoint]) -> None:
    name, endpoint = tenant
    connect = operator_visitor.get(f"/admin/tenants/{name}/settings")
    assert "Turn the brake on" in connect.text
    connect = operator_visitor.submit(connect, connect.form("/settings/brake"))
    assert "Turn the brake off" in connect.text
    assert "Changed the settings: brake on." in operator_visitor.get(f"/admin/tenants/{name}/log").text

    assert delete_users(start_environment(endpoint.token), 12) == [204] * 9 + [403] * 3
    status = operator_visitor.get(f"/admin/tenants/{name}")
    assert "deactivations held" in status.text
    assert "connected, brake on" in status.text
    assert "Release the deactivations" in status.text

    status = operator_visitor.submit(status, status.form("/release"))
    assert "deactivations held" not in status.text
    assert delete_users(start_environment(endpoint.token), 12) == [204] * 12
    log = operator_visitor.get(f"/admin/tenants/{name}/log").text
    assert "Released the deactivations: all deactivations are accepted until" in log


def test_it_admin_sees_the_hold_but_cannot_release_it(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint], operator: TenantService
) -> None:
    name, endpoint = tenant
    operator.set_brake(name, is_on=True)
    delete_users(start_environment(endpoint.token), 12)
    status = operator_visitor.get(f"/admin/tenants/{name}")
    guest = Visitor()
    invitation = guest.get(invite(operator_visitor, name))
    guest.submit(invitation, invitation.forms[0])
    seen = guest.get(f"/admin/tenants/{name}")
    assert "deactivations held" in seen.text
    assert "Release the deactivations" not in seen.text
    form = status.form("/release")
    form.fields["csrf"] = next(form.fields["csrf"] for form in seen.forms if "csrf" in form.fields)
    assert guest.post(seen, form).status == 404
    assert "deactivations held" in operator_visitor.get(f"/admin/tenants/{name}").text
