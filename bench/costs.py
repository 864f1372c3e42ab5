"""Read and write units of each operation, what a million of it costs, and how many a second can be carried."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench import operations, population, prices
from bench.measure import format_duration, measure_cost
from bench.operations import Event
from bench.paging import BY_USER_NAME, CONTINUED, FIRST, JUMPED, PageRequest
from bench.prefill import PrefilledTable
from bench.result import Row, Section, format_table
from bench.service import Service
from bench.stage import Stage
from bench.units import Units, count_units

_TIMES = 5


@dataclass(frozen=True, slots=True)
class Price:
    """An operation: its units, its calls, and the seconds for which Lambda is paid."""

    name: str
    units: Units
    calls: float
    seconds: float

    @property
    def usd(self) -> tuple[float, float]:
        """Of a million: the table's part, and that of Lambda and API Gateway."""
        return prices.usd_of_a_million(self.units.read, self.units.write, self.seconds)


def measure(stage: Stage) -> Section:
    users = stage.scratch()
    service = Service(users.table)
    found = [_measure_price(name, service, event) for name, event in _build_requests(service, users, stage.scale.page)]
    rows = [
        Row(
            f"USD of a million: {each.name}",
            sum(each.usd),
            ours=f"{each.units.read:.3g} read and {each.units.write:.3g} write units",
        )
        for each in found
    ]
    return Section(rows, {"costs": _format_costs(found), "load": _format_load(found)})


def _measure_price(name: str, service: Service, event: Callable[[], Event]) -> Price:
    calls = median(len(service.calls(event)) for _ in range(_TIMES))
    found, spent = [], []
    for _ in range(_TIMES):
        prepared = event()
        with count_units() as units:
            service(prepared)
        found.append(units)
        prepared = event()
        spent.append(measure_cost(lambda: service(prepared)).cpu)  # noqa: B023  # it is done at once
    typical = Units(median(each.read for each in found), median(each.write for each in found))
    return Price(name, typical, calls, prices.lambda_seconds(median(spent), calls))


def _build_requests(service: Service, users: PrefilledTable, page: int) -> list[tuple[str, Callable[[], Event]]]:
    sample = itertools.cycle(users.sample)

    def prepare_page(request: PageRequest) -> Callable[[], Event]:
        return lambda: request.prepare(service, page)

    def delete() -> Event:
        created = service(operations.create(service))
        return service.event("DELETE", "/Users/" + created["headers"]["Location"].rpartition("/")[2])

    pages = ((f"{each.name} of {page}", prepare_page(each)) for each in (FIRST, CONTINUED, JUMPED, BY_USER_NAME[0]))
    return [
        ("GET", lambda: operations.get(service, next(sample))),
        ("userName eq", lambda: operations.look_up(service, "userName", next(sample).user_name)),
        ("externalId eq", lambda: operations.look_up(service, "externalId", next(sample).external_id)),
        *pages,
        (
            f"unindexed filter over {users.number:,} users",
            lambda: operations.query(service, {"filter": population.NOBODY}),
        ),
        ("create", lambda: operations.create(service)),
        ("PATCH of three operations", lambda: operations.patch(service, next(sample))),
        ("PUT", lambda: operations.replace(service, next(sample))),
        ("DELETE", delete),
    ]


def _format_costs(found: list[Price]) -> str:
    heading = ["", "calls", "read units", "write units", "DynamoDB", "Lambda and API", "a million"]
    lines = []
    for each in found:
        table, compute = each.usd
        units = [f"{each.units.read:g}", f"{each.units.write:g}"]
        lines.append(
            [each.name, f"{each.calls:g}", *units, *(f"${part:.2f}" for part in (table, compute, table + compute))]
        )
    return format_table(heading, lines)


def _format_load(found: list[Price]) -> str:
    heading = ["a second", "one tenant", "one account", "what ends it there", "billed time of one"]
    lines = []
    for each in found:
        tenant = _most(each.units, prices.PARTITION_READ_UNITS, prices.PARTITION_WRITE_UNITS)
        limits = {
            "the table's units": _most(each.units, prices.TABLE_READ_UNITS, prices.TABLE_WRITE_UNITS),
            "API Gateway's requests": prices.ACCOUNT_REQUESTS,
            "Lambda's concurrency": prices.CONCURRENCY / each.seconds,
        }
        lowest = min(limits, key=limits.__getitem__)
        shown = (f"{each_limit:,.0f}" for each_limit in (tenant, limits[lowest]))
        lines.append([each.name, *shown, lowest, format_duration(each.seconds)])
    return format_table(heading, lines)


def _most(units: Units, read: float, write: float) -> float:
    """Operations a second that so many units a second allow."""
    return min(limit / each for limit, each in ((read, units.read), (write, units.write)) if each)
