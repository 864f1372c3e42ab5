"""The tenant of an endpoint, its audit log, and new execution environments."""

import os

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.service.audit.log import AuditLog
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import Endpoint


def get_tenant_id(endpoint: Endpoint) -> str:
    return endpoint.token.split("_")[1]


def open_audit_log(endpoint: Endpoint) -> AuditLog:
    adapters = build_operator_adapters(Settings.from_environment(os.environ), "tests")
    log = adapters.build_administration().find_audit_log(get_tenant_id(endpoint))
    assert log is not None
    return log


def start_environment(token: str) -> Endpoint:
    """Return an endpoint in a new execution environment, which has cached nothing."""
    return Endpoint(token, ScimApplication(find_endpoint))
