"""``python -m bench.customers``: measure the search and the health check with many customers, on the local engine.

Each tenth customer has failed requests, which the health check examines. The engine waits for the disk after each
write, so set ``TMPDIR`` to a directory in memory.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from bench.environment import FUNCTION, build_table_request, ignore_aws_configuration, set_environment
from local import engine
from scim.protocol.errors import Rule
from scim.protocol.schema import load_user_type
from scim.service.model.audit.failure import Failure, FailureKind
from scim.service.model.identifiers import IdentifierKind, hash_identifier
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenState, TokenUsage
from scim.service.monitoring.alert_sender import AlertSender
from scim.service.monitoring.health_check import HealthCheck
from scim.settings import Settings
from scim.store import items, keys, lookup_keys
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.monitoring.health_store import DynamoDBHealthStore
from scim.store.resources import ResourceStoreConfig
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.dynamodb import create_client, resolve_indexed_attributes
from scim.wiring.health import DynamoDBTenantDetails
from scim.wiring.search import build_customer_search

_TABLE = "customers"
_USER_ID = "00000000-0000-4000-8000-000000000000"
_FAILING_SHARE = 10
_TIMEOUT_S = 600.0
_HEALTH_TIMEOUT_S = 180.0  # the timeout of HealthFunction in template.yaml


@dataclass(slots=True)
class CountingClient:
    """A client of DynamoDB that counts its calls."""

    client: Any
    calls: int = 0
    lock: Lock = field(default_factory=Lock)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of the client, and count the call."""
        with self.lock:
            self.calls += 1
        method: Callable[..., Any] = getattr(self.client, name)
        return method


def _fill(table: Table, number: int) -> list[str]:
    """Store customers, and return their ids. Each tenth one has three failed requests, and the last one has a user."""
    names = [f"customer-{index:06}" for index in range(number)]
    unique_key = lookup_keys.unique_key(
        "ada@example.com", is_case_exact=load_user_type().unique_attribute.is_case_exact
    )
    put = [
        item
        for name in names
        for item in (
            items.encode_tenant(keys.settings_partition(name), keys.SETTINGS_KEY, Tenant(name, token=TokenState("v1"))),
            keys.primary_key(keys.TENANT_LIST_PARTITION, name),
        )
    ]
    partition, at = keys.resource_partition(names[-1]), format_rfc3339(time.time())
    document = encode_json({"id": _USER_ID, "userName": "ada@example.com", "active": True})
    user = StoredResource(_USER_ID, 1, at, at, document, active_since=at)
    put.append(items.encode_lookup_item(partition, unique_key, _USER_ID))
    put.append(items.encode_resource(partition, keys.user_key(_USER_ID), user))
    table.write_all(put=put)
    for name in names[::_FAILING_SHARE]:
        _fail(table, name)
    return names


def _fail(table: Table, tenant_id: str) -> None:
    store, at = DynamoDBAuditLogStore(table, tenant_id, time.time), format_rfc3339(time.time())
    failures = [_build_failure(f"person-{index}@{tenant_id}", at, f"request-of-{tenant_id}") for index in range(3)]
    for failure in failures:
        store.record_failure(failure)
    store.record_failed_request(f"request-of-{tenant_id}", failures)
    DynamoDBTenantStore(table, runtime.new_id).record_token_usage(tenant_id, TokenUsage(time.time(), "v1", "bench"))
    store.add_to_day(at, {FailureKind.CREATE: len(failures)}, None)


def _build_failure(identifier: str, at: str, request_id: str) -> Failure:
    return Failure(
        at=at,
        operation="create",
        status=400,
        scim_type="invalidValue",
        rule=Rule.REQUIRED,
        detail="userName is required.",
        attribute="userName",
        identifier_kind=IdentifierKind.EXTERNAL_ID,
        identifier=identifier,
        identifier_hashes=frozenset({hash_identifier(identifier)}),
        attributes_sent=(),
        ignored=(),
        rejected_leniency=None,
        provider=None,
        request_id=request_id,
    )


def _print_fault(*fault: object) -> None:
    print("fault:", *fault)


def _measure(number: int) -> None:
    client = CountingClient(create_client())
    client.client.create_table(**build_table_request(_TABLE))
    settings = Settings.from_environment(os.environ)
    indexed = resolve_indexed_attributes(settings)

    def open_table(timeout_s: float = _TIMEOUT_S) -> Table:
        return Table(client, _TABLE, runtime.create_deadline(timeout_s))  # type: ignore[arg-type]  # a client

    names = _fill(open_table(), number)
    config = ResourceStoreConfig(indexed, lambda: None, runtime.new_id, time.time)
    for kind, text in (
        ("userName, at the last customer", "ada@example.com"),
        ("request id, at a failing customer", f"request-of-{names[-_FAILING_SHARE]}"),
        ("request id, unknown", "JKJaXmPLvHcESHA="),
    ):
        before, started = client.calls, time.perf_counter()
        result = build_customer_search(open_table(), config, _print_fault).search(text)
        elapsed_s = time.perf_counter() - started
        print(
            f"search by {kind}: {client.calls - before} calls, {elapsed_s:.2f} s; "
            f"{len(result.cards) + len(result.other_matches)} results, {result.remaining} customers not searched for "
            f"everything, {len(result.unreadable_tenants)} unreadable"
        )
    for run in ("first", "second"):
        before, started = client.calls, time.perf_counter()
        table = open_table(_HEALTH_TIMEOUT_S)
        store = DynamoDBHealthStore(table)
        check = HealthCheck(
            store,
            lambda tenant, table=table: DynamoDBTenantDetails(table, tenant, indexed),  # type: ignore[misc]  # mypy: default arguments
            AlertSender(store, [], "", _print_fault),
            table.deadline,
            time.time,
            _print_fault,
        )
        outcome = check.run()
        elapsed_s = time.perf_counter() - started
        print(f"{run} health check: {client.calls - before} calls, {elapsed_s:.2f} s; {outcome}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000, help="number of customers (default: 1000)")
    number = parser.parse_args().customers
    ignore_aws_configuration()
    with TemporaryDirectory() as directory, engine.start(Path(directory)) as running:
        variables = {"AWS_ENDPOINT_URL_DYNAMODB": running.url, "TABLE_NAME": _TABLE, "AWS_CLIENT": "botocore"}
        with set_environment(FUNCTION | variables):
            _measure(number)


if __name__ == "__main__":
    main()
