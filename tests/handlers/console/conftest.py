"""A signed-in operator, a tenant, and hostile values."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import Endpoint
from tests.handlers.console.visitor import Visitor

_numbers = itertools.count(1)
FORMULA = '=HYPERLINK("https://evil.example")'
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><svg onload=alert(3)>"


@pytest.fixture
def operator_visitor(table: Any) -> Visitor:
    visitor = Visitor()
    assert visitor.sign_in().status == 200
    return visitor


@pytest.fixture
def tenant(table: Any, operator: TenantService) -> tuple[str, Endpoint]:
    """Return the name and endpoint of a connected tenant. Its token was displayed."""
    name = f"customer-{next(_numbers)}"
    issued = operator.connect(name)
    operator.tokens.mark_revealed(issued)
    return name, Endpoint(issued.token)


@pytest.fixture
def read_log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return a function that returns all log records with their fields."""
    return lambda: json.dumps([vars(record) for record in caplog.records], default=str)
