"""Create tables with many users in seconds. The items are those that the store itself writes.

Each user is created by a request, but its transaction is not sent. Instead, its items are written to a file in
DynamoDB's export format, which dynoxide imports. The increments of counters are summed, and sent at the end.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from bench import population
from bench.environment import build_table_request, set_environment
from bench.service import Service, Table
from bench.wire import Arguments, collect_transactions
from local import engine
from local.engine import DYNOXIDE
from local.errors import LocalRunError
from local.services import secretsmanager
from scim.auth.master_key.key_ring import create_first_value
from scim.service.model.stored_resource import StoredResource
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.store import items, keys
from scim.store.query.counters import compute_increment
from scim.wiring import runtime
from scim.wiring.operator_adapters import build_operator_adapters

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SAMPLE = 500
# Fewer users than this are created in one process.
_MIN_PARALLEL = 2_000
_CREATED = "2026-01-31T09:30:00.000Z"


@dataclass(frozen=True, slots=True)
class User:
    """A user of a table: its number, its id, and the values by which it can be looked up."""

    number: int
    id: str

    @property
    def user_name(self) -> str:
        """Return the userName."""
        return population.user_name(self.number)

    @property
    def external_id(self) -> str:
        """Return the externalId."""
        return population.external_id(self.number)

    @property
    def email(self) -> str:
        """Return the second email."""
        return population.email(self.number)


@dataclass(frozen=True, slots=True)
class PrefilledTable:
    """A table with ``number`` users, a sample of the users, and identical ``copies`` on the same engine.

    ``engine_id`` is the id of the engine's process.
    """

    table: Table
    number: int
    sample: Sequence[User]
    copies: Sequence[Table] = ()
    engine_id: int | None = None

    def client(self) -> DynamoDBClient:
        """Return a DynamoDB client for the engine of the table."""
        return _create_client(self.table)


@dataclass(slots=True)
class _CollectedItems:
    """The items that transactions put, as JSON lines, and the sums of their updates of other items."""

    items: list[str]
    additions: dict[str, Arguments]
    users: list[User]

    def collect(self, transaction: Arguments) -> None:
        """Add the items and updates of a transaction."""
        for action in transaction["TransactItems"]:
            ((kind, request),) = action.items()
            if kind == "Put":
                self.items.append(json.dumps({"Item": request["Item"]}, ensure_ascii=False))
            elif kind == "Update":
                self.add(request)
            elif kind != "ConditionCheck":
                raise LocalRunError(f"cannot prefill: a transaction has an unexpected action {kind}")

    def add(self, update: Arguments) -> None:
        """Add an update to the sum of the earlier updates of the same item. Only ``ADD`` is supported."""
        if not update["UpdateExpression"].startswith("ADD "):
            raise LocalRunError(f"cannot prefill: only ADD can be summed, not {update['UpdateExpression']}")
        update_key = json.dumps([update["Key"], update["UpdateExpression"]])
        if update_key not in self.additions:
            self.additions[update_key] = update
            return
        values = self.additions[update_key]["ExpressionAttributeValues"]
        for name, value in update["ExpressionAttributeValues"].items():
            values[name] = {"N": str(int(values[name]["N"]) + int(value["N"]))}


@contextmanager
def prefill_tables(
    directory: Path, number: int, tables: Sequence[str], tenant: str = "acme"
) -> Iterator[PrefilledTable]:
    """Start an engine that has identical tables with ``number`` users. Stop it at the end of the block.

    Raise :class:`LocalRunError` if the tables do not have all users.
    """
    with ExitStack() as running:
        secrets_manager = running.enter_context(secretsmanager.create_process(directory))
        secrets_manager.wait()
        collected, token, rest = _collect_items(directory, number, tables[0], tenant, secrets_manager.url)
        export(directory, tables, [*collected.items, *rest])
        dynamodb = running.enter_context(engine.start(directory, "dynoxide"))
        first, *copies = [Table(name, dynamodb.url, secrets_manager.url, tenant, token) for name in tables]
        for table in (first, *copies):
            _send_updates(table, collected.additions.values())
        prefilled = PrefilledTable(first, number, collected.users, copies, _get_process_id(dynamodb))
        _check(prefilled)
        yield prefilled


@contextmanager
def prefill_listed_table(directory: Path, number: int, name: str, tenant: str = "acme") -> Iterator[PrefilledTable]:
    """Start an engine that has a table with ``number`` users. Stop it at the end of the block.

    The table has only the users and their counters, which is all that reading pages needs. So a million users take only
    minutes. Raise :class:`LocalRunError` if the table does not have all users.
    """
    with ExitStack() as running:
        secrets_manager = running.enter_context(secretsmanager.create_process(directory))
        secrets_manager.wait()
        _, token, rest = _collect_items(directory, 0, name, tenant, secrets_manager.url)
        counters: Counter[str] = Counter()
        export(directory, [name], itertools.chain(_iterate_listed_items(tenant, number, counters), rest))
        dynamodb = running.enter_context(engine.start(directory, "dynoxide"))
        table = Table(name, dynamodb.url, secrets_manager.url, tenant, token)
        prefilled = PrefilledTable(table, number, [], engine_id=_get_process_id(dynamodb))
        for sort_key, counts in counters.items():
            counter = {"counts": {"N": str(counts)}, "active": {"N": "0"}}
            prefilled.client().put_item(
                TableName=name, Item={**keys.primary_key(keys.paging_partition(tenant), sort_key), **counter}
            )
        _check(prefilled)
        yield prefilled


def _get_process_id(dynamodb: engine.Engine) -> int | None:
    return dynamodb.process.pid if dynamodb.process else None


def _iterate_listed_items(tenant: str, number: int, counters: Counter[str]) -> Iterator[str]:
    """Yield the lines of the export file for the users, and add the users to ``counters``."""
    for user_number in range(number):
        resource_id = runtime.new_id()
        body = population.user(user_number)
        resource = {"schemas": body["schemas"], "id": resource_id, **body}
        stored = StoredResource.from_resource(resource, 1, _CREATED, _CREATED, _CREATED)
        counters[keys.counter_key(resource_id)] += compute_increment(resource_id)
        item = items.encode_resource(keys.resource_partition(tenant), keys.user_key(resource_id), stored)
        yield json.dumps({"Item": item}, ensure_ascii=False)


def _collect_items(
    directory: Path, number: int, name: str, tenant: str, secrets_url: str
) -> tuple[_CollectedItems, str, list[str]]:
    """Connect the tenant and create its users on a temporary engine.

    Return the items of the users, the tenant's token, and the other items (settings and audit events) as JSON lines.
    """
    scratch = directory / "scratch"
    scratch.mkdir()
    with engine.start(scratch, "dynoxide") as dynamodb:
        table = Table(name, dynamodb.url, secrets_url, tenant, "")
        client = _create_client(table)
        client.create_table(**build_table_request(name))
        with set_environment(table.variables):
            secretsmanager.ensure_secret(secrets_url, os.environ["MASTER_KEY_SECRET"], create_first_value())
            token = _build_tenant_service().connect(tenant).token
        table = Table(name, dynamodb.url, secrets_url, tenant, token)
        parts = _split_range(number)
        if len(parts) == 1:
            collected = _create_users(table, parts[0])
        else:
            with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
                collected = _merge(list(pool.map(_create_users, [table] * len(parts), parts)))
        rest = [json.dumps({"Item": item}, ensure_ascii=False) for item in client.scan(TableName=name)["Items"]]
    return collected, token, rest


def _split_range(number: int) -> list[range]:
    """Split the numbers of users into one range for each processor."""
    if number < _MIN_PARALLEL:
        return [range(number)]
    processors = os.cpu_count() or 1
    return [range(number * part // processors, number * (part + 1) // processors) for part in range(processors)]


def _create_users(table: Table, numbers: range) -> _CollectedItems:
    """Create users without sending their transactions. Return what the transactions write, and a sample of users."""
    service = Service(table, silent=True)
    collected = _CollectedItems([], {}, [])
    interval = max(1, len(numbers) // _SAMPLE) | 1  # odd, so that the users in the sample have different titles
    with collect_transactions(collected.collect):
        for number in numbers:
            created = service.send("POST", "/Users", population.user(number))
            if number % interval == 0:
                collected.users.append(User(number, created["id"]))
    return collected


def _merge(parts: list[_CollectedItems]) -> _CollectedItems:
    whole = _CollectedItems([], {}, [])
    for part in parts:
        whole.items += part.items
        whole.users += part.users
        for update in part.additions.values():
            whole.add(update)
    return whole


def export(directory: Path, tables: Sequence[str], lines: Iterable[str]) -> None:
    """Create ``dynoxide.db`` in the directory, with a table of these items for each name in ``tables``."""
    source = directory / "export"
    for name in tables:
        (source / name / "data").mkdir(parents=True)
    first, *others = [source / name / "data" / "items.json" for name in tables]
    with first.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
    for other in others:
        other.hardlink_to(first)
    schema = directory / "schema.json"
    schema.write_text(json.dumps([{"Table": build_table_request(name)} for name in tables]))
    database = ["--schema", str(schema), "--output", str(directory / "dynoxide.db")]
    done = subprocess.run(  # noqa: S603  # the command is ours
        [str(DYNOXIDE), "import", "--source", str(source), *database], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LocalRunError(f"dynoxide cannot import the users: {done.stderr.strip()}")
    first.unlink()
    for other in others:
        other.unlink()


def _send_updates(table: Table, updates: Iterable[Arguments]) -> None:
    client = _create_client(table)
    for update in updates:
        client.update_item(**update | {"TableName": table.name})


def _check(prefilled: PrefilledTable) -> None:
    """Raise :class:`LocalRunError` unless each table returns the right total and the right user for an id."""
    for table in (prefilled.table, *prefilled.copies):
        service = Service(table, silent=True)
        total = service.send("GET", "/Users?count=1")["totalResults"]
        if total != prefilled.number:
            raise LocalRunError(f"{table.name} has {total} users instead of {prefilled.number}")
        for user in prefilled.sample[:1]:
            shown = service.send("GET", f"/Users/{user.id}")
            if shown["userName"] != user.user_name:
                raise LocalRunError(f"{table.name} has {shown['userName']} instead of {user.user_name}")


def disconnect(table: Table) -> None:
    """Disconnect the tenant. Its users are kept."""
    with set_environment(table.variables):
        _build_tenant_service().disconnect(table.tenant)


def _build_tenant_service() -> TenantService:
    return build_operator_adapters(Settings.from_environment(os.environ), "bench").build_administration().tenants


def _create_client(table: Table) -> DynamoDBClient:
    with set_environment(table.variables):
        client: DynamoDBClient = boto3.client("dynamodb")
        return client
