"""Write the beginning of docs/contribute/performance.md: the most important figures, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench import prices
from bench.environment import get_memory_mb
from bench.measure import MS
from bench.result import Row


def summarize(rows: Iterable[Row]) -> str:
    """Return the sentences as a Markdown list. Raise ``KeyError`` if a figure is missing."""
    figures = {row.name: row for row in rows}
    return "\n".join(
        f"- **{heading}** {' '.join(sentences)}"
        for heading, sentences in (
            ("What a request costs.", _describe_requests(figures)),
            ("Compared with other SCIM servers.", _describe_servers(figures)),
            ("What one customer and one account can carry.", _describe_load(figures)),
            ("What a create writes.", _describe_units(figures)),
            ("Cold start.", _describe_start(figures)),
            ("What our own DynamoDB client saves.", _describe_savings(figures)),
        )
    )


def _describe_requests(figures: Mapping[str, Row]) -> Iterable[str]:
    kinds = {
        "GET": "a GET",
        "create": "a create",
        "PATCH of three operations": "a PATCH",
        "page of 100": "a page of 100",
    }
    rows = {name: figures[f"handler call, CPU: {kind}"] for kind, name in kinds.items()}
    costs = [f"{name} {row.ours} ({row.value:.2f} times)" for name, row in rows.items()]
    yield f"The CPU time of a call of the function is: {', '.join(costs)}."
    yield "In brackets: compared with plain boto3 that only makes the same calls to DynamoDB, without any SCIM."


def _describe_servers(figures: Mapping[str, Row]) -> Iterable[str]:
    ours = {kind: figures[f"CPU of src/scim: {kind}"] for kind in ("GET", "create", "page of 100")}
    factors = ", ".join(f"1/{1 / row.value:.0f} for a {kind}" for kind, row in ours.items())
    yield f"Our own code needs this part of the CPU time of scim2-server: {factors}."
    http = {
        kind: figures[f"HTTP, 10,000 users: {kind}"]
        for kind in ("GET", "userName eq", "page of 100", "unindexed filter")
    }
    times = ", ".join(f"{row.value:.2g} for {kind}" for kind, row in http.items())
    yield "Over HTTP with 10,000 users, `make run` with its database on disk takes this many times as long as scimmy,"
    yield f"which keeps its users in memory: {times}."


def _describe_load(figures: Mapping[str, Row]) -> Iterable[str]:
    for who in ("one tenant", "one account"):
        rates = [f"{figures[f'per second, {who}: {kind}'].value:,.0f} {kind}s" for kind in ("GET", "create")]
        yield f"{who.replace('tenant', 'customer').capitalize()}: {' or '.join(rates)} a second."
    yield "This is calculated from the default quotas of AWS."


def _describe_units(figures: Mapping[str, Row]) -> Iterable[str]:
    prefix = "write units of a create: "
    parts = {name.removeprefix(prefix): row.value for name, row in figures.items() if name.startswith(prefix)}
    units = sum(parts.values())
    shown = ", ".join(f"{value:.0f} for the {name}" for name, value in parts.items())
    yield f"It takes {units:.0f} write units, ${units * prices.WRITE_UNITS_USD:.2f} a million: {shown}."


def _describe_start(figures: Mapping[str, Row]) -> Iterable[str]:
    whole, restored = figures["import and first request: users"], figures["first request after SnapStart: users"]
    yield f"Without SnapStart, a new execution environment needs {whole.ours} of CPU time for the imports and the first"
    yield f"request, {whole.value:.2f} times that of a minimal function with boto3 and Powertools. With SnapStart, the"
    yield f"imports are part of the snapshot, and the first request needs {restored.ours}. AWS's own time to start or"
    yield "restore an environment comes on top. It was not measured."


def _describe_savings(figures: Mapping[str, Row]) -> Iterable[str]:
    rows = {kind: figures[f"saved by the wire client, ms: {kind}"] for kind in ("GET", "create", "page of 100")}
    times = ", ".join(
        f"{row.value:.1f} ms for a {kind} (${prices.compute_usd(row.value / MS) * 1e6:.2f} a million)"
        for kind, row in rows.items()
    )
    yield f"On a function with {get_memory_mb():,} MB, a user waits less by: {times}."
