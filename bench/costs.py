"""Measure the read and write units of each operation, its price per million, and how many per second are possible."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import operations, population, prices
from bench.context import BenchContext
from bench.environment import build_table_request
from bench.measure import format_duration, measure_cost
from bench.operations import Event
from bench.paging import BY_USER_NAME, CONTINUED, FIRST, JUMPED
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table
from bench.service import Service
from bench.units import Units, count_units, get_key_attributes, index_units, write_units

_REPETITIONS = 5
_ITEMS = {
    "U": "user",
    "N": "unique key",
    "I": "index entries",
    "C": "change record",
    "K": "counter",
}
"""The kinds of items, by the first letter of the sort key (docs/contribute/data-model.md)."""


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of an operation: its units, its number of calls, and the seconds that Lambda bills."""

    name: str
    units: Units
    calls: float
    seconds: float

    @property
    def usd(self) -> tuple[float, float]:
        """Return the price of a million operations in USD: for DynamoDB, and for Lambda with API Gateway."""
        return prices.usd_of_a_million(self.units.read, self.units.write, self.seconds)


@dataclass(frozen=True, slots=True)
class Load:
    """How often an operation is possible in a second, in one tenant and in one account."""

    name: str
    tenant: float
    account: float
    account_limit: str
    seconds: float

    @classmethod
    def compute(cls, price: Price) -> Load:
        """Compute the load from the quotas of AWS and the units of an operation."""
        limits = {
            "the table's units": _compute_rate(price.units, prices.TABLE_READ_UNITS, prices.TABLE_WRITE_UNITS),
            "API Gateway's requests": prices.ACCOUNT_REQUESTS,
            "Lambda's concurrency": prices.CONCURRENCY / price.seconds,
        }
        lowest = min(limits, key=limits.__getitem__)
        tenant = _compute_rate(price.units, prices.PARTITION_READ_UNITS, prices.PARTITION_WRITE_UNITS)
        return cls(price.name, tenant, limits[lowest], lowest, price.seconds)

    def build_rows(self) -> list[Row]:
        """Return the figures."""
        return [
            Row(f"per second, one tenant: {self.name}", self.tenant),
            Row(f"per second, one account: {self.name}", self.account, ours=self.account_limit),
        ]


def measure(context: BenchContext) -> Section:
    users = context.scratch()
    service = Service(users.table)
    requests = _build_requests(service, users, context.scale.page)
    operation_prices = [_measure_price(name, service, event) for name, event in requests]
    rows = [
        Row(
            f"USD per million: {price.name}",
            sum(price.usd),
            ours=f"{price.units.read:.3g} read and {price.units.write:.3g} write units",
        )
        for price in operation_prices
    ]
    loads = [Load.compute(price) for price in operation_prices]
    rows += [row for load in loads for row in load.build_rows()]
    parts = _measure_create(service)
    rows += [Row(f"write units of a create: {name}", number) for name, number in parts.items()]
    blocks = {"costs": _format_costs(operation_prices), "load": _format_load(loads), "create": _format_create(parts)}
    return Section(rows, blocks)


def _measure_create(service: Service) -> dict[str, float]:
    """Return the write units of a create, by the kind of item that they are for."""
    (call,) = service.calls(lambda: operations.create(service))
    table = {"KeySchema": build_table_request("")["KeySchema"]}
    indexes = build_table_request("")["GlobalSecondaryIndexes"]
    parts: defaultdict[str, float] = defaultdict(float)
    for action in call.arguments["TransactItems"]:
        ((_, request),) = action.items()
        item = request.get("Item", {})
        sort_key = (item or request["Key"])["sk"]["S"]
        # An item without attributes other than small numbers, such as the counter, is smaller than one unit.
        parts[_ITEMS[sort_key[0]]] += write_units(None, item, transaction=True)
        for index in indexes:
            parts["index ByTime"] += index_units(None, item, index, get_key_attributes(table))
    return dict(parts)


def _measure_price(name: str, service: Service, event: Callable[[], Event]) -> Price:
    calls = median(len(service.calls(event)) for _ in range(_REPETITIONS))
    units_by_request, spent = [], []
    for _ in range(_REPETITIONS):
        prepared = event()
        with count_units() as units:
            service(prepared)
        units_by_request.append(units)
        prepared = event()
        spent.append(measure_cost(lambda: service(prepared)).cpu)  # noqa: B023  # called immediately
    median_units = Units(
        median(units.read for units in units_by_request), median(units.write for units in units_by_request)
    )
    return Price(name, median_units, calls, prices.lambda_seconds(median(spent), calls))


def _build_requests(service: Service, users: PrefilledTable, page: int) -> list[tuple[str, Callable[[], Event]]]:
    sample = itertools.cycle(users.sample)

    page_requests = (FIRST, CONTINUED, JUMPED, BY_USER_NAME[0])
    pages = ((f"{request.name} of {page}", request.bind(service, page)) for request in page_requests)
    return [
        ("GET", lambda: operations.get(service, next(sample))),
        ("userName eq", lambda: operations.look_up(service, "userName", next(sample).user_name)),
        ("externalId eq", lambda: operations.look_up(service, "externalId", next(sample).external_id)),
        *pages,
        (
            f"unindexed filter over {users.number:,} users",
            lambda: operations.query(service, {"filter": population.EMPTY_FILTER}),  # reads all users, returns none
        ),
        ("create", lambda: operations.create(service)),
        ("PATCH of three operations", lambda: operations.patch(service, next(sample))),
        ("PUT", lambda: operations.replace(service, next(sample))),
        ("DELETE", lambda: operations.delete_new_user(service)),
    ]


def _format_costs(operation_prices: list[Price]) -> str:
    heading = ["", "calls", "read units", "write units", "DynamoDB", "Lambda and API", "per million"]
    lines = []
    for price in operation_prices:
        table, compute = price.usd
        units = [f"{price.units.read:g}", f"{price.units.write:g}"]
        lines.append(
            [price.name, f"{price.calls:g}", *units, *(f"${part:.2f}" for part in (table, compute, table + compute))]
        )
    return format_table(heading, lines)


def _format_load(loads: Sequence[Load]) -> str:
    return format_table(
        ["per second", "one tenant", "one account", "limited by", "billed time"],
        [
            [
                load.name,
                f"{load.tenant:,.0f}",
                f"{load.account:,.0f}",
                load.account_limit,
                format_duration(load.seconds),
            ]
            for load in loads
        ],
    )


def _format_create(parts: Mapping[str, float]) -> str:
    whole = {**parts, "**all**": sum(parts.values())}
    return format_table(["a create writes", "write units"], [[name, f"{number:g}"] for name, number in whole.items()])


def _compute_rate(units: Units, read: float, write: float) -> float:
    """Return how many operations per second are possible with these read and write units per second."""
    return min(limit / used for limit, used in ((read, units.read), (write, units.write)) if used)
