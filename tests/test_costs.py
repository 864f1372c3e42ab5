"""The arithmetic of docs/operate/costs.md is correct, and its counts are those of the template."""

import re
from pathlib import Path

import pytest

from tests.template_reader import Deployment

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/operate/costs.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
TEMPLATE = Deployment(ROOT / "template.yaml")


def read_rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table after a heading."""
    section = text.partition(f"{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    return [[cell.strip("* ") for cell in line.strip("|\n ").split("|")] for line in table.group().splitlines()[2:]]


def parse_usd(text: str) -> float:
    """Return the first amount in a text."""
    match = re.search(r"\$([\d,.]*\d)", text)
    assert match is not None
    return float(match[1].replace(",", ""))


def parse_number(text: str) -> float:
    return float(text.replace(",", ""))


def calculate_usage(row: list[str]) -> float:
    """Return the costs of a row: the price is that of a million, or of one GB."""
    unit = 1 if row[2].endswith("a GB") else 1e-6
    return parse_number(row[1].removesuffix(" GB")) * parse_usd(row[2]) * unit


FIXED = read_rows(PAGE, "## Fixed costs")
USAGE = read_rows(PAGE, "## Costs of one customer")
TOTALS = read_rows(PAGE, "# Costs")


@pytest.mark.parametrize("row", FIXED[:-1], ids=lambda row: row[0][:30])
def test_fixed_cost_is_count_times_price(row: list[str]) -> None:
    assert round(parse_number(row[1]) * parse_usd(row[2]), 2) == parse_usd(row[3])


@pytest.mark.parametrize("row", USAGE[:-1], ids=lambda row: row[0][:30])
def test_usage_cost_is_count_times_price(row: list[str]) -> None:
    assert calculate_usage(row) == pytest.approx(parse_usd(row[3]), abs=0.00006)


def test_sums_are_right() -> None:
    fixed = sum(parse_usd(row[3]) for row in FIXED[:-1])
    usage = sum(map(calculate_usage, USAGE[:-1]))
    assert round(fixed, 2) == parse_usd(FIXED[-1][3])
    assert round(usage, 4) == parse_usd(USAGE[-1][3])
    metrics = {row[0]: parse_usd(row[2]) for row in read_rows(PAGE, "## Custom metrics")}
    for customers, total, share in TOTALS:
        number = parse_number(customers)
        expected = fixed + metrics[customers] + number * (0.40 + usage)
        assert parse_usd(total) == pytest.approx(expected, abs=0.01)
        assert parse_usd(share) == pytest.approx(expected / number, abs=0.006)


def test_prices_of_snapshots_are_those_of_the_fixed_costs() -> None:
    """A GB costs $3.90 a month, and the snapshots of an earlier version exist for 14 of 30 days."""
    functions = FIXED[0]
    month = parse_usd(functions[2]) * 2_592_000
    assert f"${month:.2f} a month for each GB" in PAGE
    assert f"**Costs** {functions[3]} for four functions" in PAGE
    assert f"up to ${parse_usd(functions[3]) * 14 / 30:.2f} more" in PAGE
    assert f"${month:.2f} a month" in TEMPLATE["Parameters"]["SnapStart"]["Description"]


def test_idle_stack_costs_fixed_costs() -> None:
    total, snapshots = parse_usd(FIXED[-1][3]), parse_usd(FIXED[0][3])
    assert f"${total:.2f}, or ${total - snapshots:.2f} with `SnapStart=off`" in PAGE


def test_metrics_cost_30_cents() -> None:
    for _, count, total in read_rows(PAGE, "## Custom metrics"):
        assert round(parse_number(count) * 0.30, 2) == parse_usd(total)


def test_prices_of_requests_are_those_of_bench() -> None:
    """Differences of up to 20 % between two runs of the bench are accepted."""
    measured = {
        row[0]: parse_usd(row[-1])
        for row in read_rows((ROOT / "docs/contribute/performance.md").read_text("utf-8"), "<!-- bench: costs -->")
    }
    names = ["userName eq", "create", "PATCH of three operations", "continued page of 100", "GET"]
    for row, name in zip(USAGE, names, strict=False):
        assert parse_usd(row[2]) == pytest.approx(measured[name], rel=0.2)


def test_counts_are_those_of_template() -> None:
    alarms = TEMPLATE.select_by_type("AWS::CloudWatch::Alarm").values()
    on_several = [
        sum("MetricStat" in metric for metric in alarm["Metrics"]) for alarm in alarms if alarm.get("Metrics")
    ]
    assert on_several == [9]
    assert f"{len(alarms) - 1} alarms on 1 metric, 1 alarm on 9 metrics" in PAGE
    assert len(TEMPLATE.select_by_type("AWS::SecretsManager::Secret")) == 4
    template = TEMPLATE.apply_parameters()
    functions = [template.get_function(name) for name in template.select_by_type("AWS::Serverless::Function")]
    with_snapshots = [function for function in functions if function["SnapStart"]["ApplyOn"] == "PublishedVersions"]
    assert [function["MemorySize"] for function in with_snapshots] == [1024] * 4
    metrics = [
        transformation
        for metric_filter in TEMPLATE.select_by_type("AWS::Logs::MetricFilter").values()
        for transformation in metric_filter["MetricTransformations"]
    ]
    with_dimensions = {metric["MetricName"] for metric in metrics if "Dimensions" in metric}
    assert with_dimensions == {"Requests", "Latency"}
    assert len(metrics) - len(with_dimensions) == 18


def test_readme_has_totals() -> None:
    for customers, total, _ in TOTALS:
        assert f"| {customers} | ${round(parse_usd(total))} |" in README
