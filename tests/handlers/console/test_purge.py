"""A customer whose purge has begun, in the console."""

from dataclasses import replace

from scim.service.model.audit.audit_event import AuditAction
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor


def test_customer_cannot_be_connected_during_a_purge(
    operator_visitor: Visitor, tenant: tuple[str, Endpoint], operator: TenantService
) -> None:
    name, _ = tenant
    operator.disconnect(name)
    assert "Connect again" in operator_visitor.get(f"/admin/tenants/{name}/token").text
    operator.writer.change(name, AuditAction.PURGE, lambda settings: replace(settings, is_purging=True))

    page = operator_visitor.get(f"/admin/tenants/{name}/token").text
    assert f"A purge of {name} has begun." in page
    assert "Connect again" not in page
    assert f"muster purge {name}" in operator_visitor.get("/admin").text
    assert "<dd>purging</dd>" in operator_visitor.get(f"/admin/tenants/{name}").text
