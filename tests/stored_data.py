"""Check the stored items of all tenants, as ``muster check`` does."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from scim.service.maintenance.findings import Finding
from scim.settings import Settings
from scim.store.maintenance.check.context import LINK_GRACE_S
from scim.store.maintenance.check.scratch import Scratch
from scim.wiring import runtime
from scim.wiring.maintenance import Maintenance

NO_LIMIT_PERCENT = 1e9
"""A rate that never slows the work down."""


class NoProgress:
    """Shows nothing."""

    def start_step(self, label: str, total: int | None = None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


def check_all(client: Any, **options: bool) -> list[Finding]:
    """Check all tenants of the table of the environment, and return the findings."""
    return check_tenants(build_maintenance(client), **options)


def check_tenants(maintenance: Maintenance, **options: bool) -> list[Finding]:
    """Check all tenants of a table, and return the findings."""
    tenants = maintenance.administration.tenant_store
    return [finding for tenant_id in tenants.list_ids() for finding in check(maintenance, tenant_id, **options)]


def check(maintenance: Maintenance, tenant_id: str, **options: bool) -> list[Finding]:
    """Check a tenant."""
    tenant = maintenance.administration.tenant_store.get(tenant_id)
    assert tenant
    with Scratch(":memory:") as scratch:
        return list(maintenance.check(tenant, scratch, NoProgress(), **options))


def build_maintenance(client: Any) -> Maintenance:
    """Return long work without a limit. It needs no secrets."""
    return Maintenance(Settings.from_environment(os.environ), client, cast("Any", None), "tests", NO_LIMIT_PERCENT)


@contextmanager
def link_tasks_are_due(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the check run so late that all link tasks must have run."""
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "current_time", lambda: time.time() + LINK_GRACE_S + 1)
        yield
