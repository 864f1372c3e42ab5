"""Create the customer and the users that the sample events name, from ``events/setup``.

``python -m local.emulator.sample_customer`` does this with the settings in its environment.
"""

import json
import os
from pathlib import Path
from typing import Any

import boto3

from scim.protocol.leniency import LeniencyTracker
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenState
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.scim_api import ScimApiAdapters, build_scim_api_adapters

SETUP = Path(__file__).parents[2] / "events/setup"
_TOKEN_VERSION = "00000000-0000-4000-8000-000000000001"  # noqa: S105 - an id
_ACTOR = "events/setup"


def read_setup(name: str) -> Any:
    """Return the content of ``customer.json`` or ``users.json``."""
    return json.loads((SETUP / f"{name}.json").read_text())


def create_customer(settings: Settings) -> None:
    """Create the secret with the token, the settings of the customer, and the users with their ids."""
    customer = read_setup("customer")
    boto3.client("secretsmanager").create_secret(
        Name=settings.secret_prefix + customer["id"],
        SecretString=json.dumps({"token": customer["token"]}),
        ClientRequestToken=_TOKEN_VERSION,
    )
    adapters = build_scim_api_adapters(settings, _raise_fault)
    tenant = Tenant(customer["id"], token=TokenState(_TOKEN_VERSION))
    service = _build_service(adapters, tenant)
    for user in read_setup("users"):
        service.create({name: value for name, value in user.items() if name != "id"}, resource_id=user["id"])


def _build_service(adapters: ScimApiAdapters, tenant: Tenant) -> ResourceService:
    """Write the settings of the tenant, and return the service that creates its users."""
    deadline = runtime.create_deadline(60)
    table = adapters.open_table(deadline)
    now = format_rfc3339(runtime.current_time())
    event = AuditEvent(runtime.new_id(), now, AuditAction.CONNECT, _ACTOR, {})
    adapters.build_tenant_store(table).write(None, tenant, event)
    context = ServiceContext(
        tenant=tenant,
        request_id=_ACTOR,
        base_url="https://scim.example.com/scim/v2",
        leniencies=LeniencyTracker(is_strict=True),
        deadline=deadline,
        cursor_signer=adapters.cursor_signer,
        deactivation_guard=adapters.build_deactivation_guard(table, tenant, _ACTOR, lambda _: None, _raise_fault),
        permits=adapters.build_permits(table, tenant.id),
        now=runtime.current_time,
        new_id=runtime.new_id,
    )
    (resource_type,) = tenant.resource_types
    return ResourceService(resource_type, adapters.build_resource_store(table, tenant, resource_type), context)


def _raise_fault(fault: Exception) -> None:
    raise fault


if __name__ == "__main__":
    create_customer(Settings.from_environment(os.environ))
