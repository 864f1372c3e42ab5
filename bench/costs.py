"""Measure the read and write units of each operation, its price per million, and how many per second are possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench import operations, population, prices
from bench.context import BenchContext
from bench.measure import format_duration, measure_cost
from bench.operations import Event
from bench.paging import BY_USER_NAME, CONTINUED, FIRST, JUMPED
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table
from bench.service import Service
from bench.units import Units, count_units

_REPETITIONS = 5


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
    return Section(rows, {"costs": _format_costs(operation_prices), "load": _format_load(operation_prices)})


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


def _format_load(operation_prices: list[Price]) -> str:
    heading = ["per second", "one tenant", "one account", "limited by", "billed time"]
    lines = []
    for price in operation_prices:
        tenant = _compute_rate(price.units, prices.PARTITION_READ_UNITS, prices.PARTITION_WRITE_UNITS)
        limits = {
            "the table's units": _compute_rate(price.units, prices.TABLE_READ_UNITS, prices.TABLE_WRITE_UNITS),
            "API Gateway's requests": prices.ACCOUNT_REQUESTS,
            "Lambda's concurrency": prices.CONCURRENCY / price.seconds,
        }
        lowest = min(limits, key=limits.__getitem__)
        shown = (f"{limit:,.0f}" for limit in (tenant, limits[lowest]))
        lines.append([price.name, *shown, lowest, format_duration(price.seconds)])
    return format_table(heading, lines)


def _compute_rate(units: Units, read: float, write: float) -> float:
    """Return how many operations per second are possible with these read and write units per second."""
    return min(limit / used for limit, used in ((read, units.read), (write, units.write)) if used)
