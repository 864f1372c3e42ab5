"""The activity chart: its bars, its axes and its numbers."""

import re

import pytest

from handlers.console.chart import build_chart
from scim.service.tenants.health import DailyActivity
from tests.endpoint import CORE, Endpoint
from tests.handlers.console.visitor import Visitor

Tenant = tuple[str, Endpoint]


def build_days(*counts: tuple[int, int]) -> list[DailyActivity]:
    return [
        DailyActivity(f"2026-11-{number:02}", changes, failures, failures)
        for number, (changes, failures) in enumerate(counts, 1)
    ]


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (1, ["0", "1", "2"]),
        (2, ["0", "1", "2"]),
        (3, ["0", "5"]),
        (7, ["0", "5", "10"]),
        (11, ["0", "10", "20"]),
        (999, ["0", "500", "1,000"]),
        (1_001, ["0", "1,000", "2,000"]),
    ],
)
def test_vertical_axis_ends_at_a_round_number(count: int, labels: list[str]) -> None:
    assert [label.text for label in build_chart(build_days((count, 0))).counts] == labels


def test_failures_are_on_top_of_changes() -> None:
    (bar,) = build_chart(build_days((6, 3))).bars
    zero, _, ten = (label.position for label in build_chart(build_days((6, 3))).counts)
    assert bar.changes_y + bar.changes_height == pytest.approx(zero)
    assert bar.failures_y + bar.failures_height == pytest.approx(bar.changes_y)
    assert bar.failures_height == pytest.approx(bar.changes_height / 2)
    assert bar.failures_y == pytest.approx(zero - 0.9 * (zero - ten), abs=0.02)


def test_bars_fit_next_to_each_other() -> None:
    chart = build_chart(build_days(*[(1, 0)] * 30))
    assert chart.bars[0].x == chart.left
    assert all(left.x + chart.bar_width < right.x for left, right in zip(chart.bars, chart.bars[1:], strict=False))
    assert chart.bars[-1].x + chart.bar_width <= 100


def test_horizontal_axis_names_each_seventh_day_up_to_the_newest() -> None:
    labels = [label.text for label in build_chart(build_days(*[(1, 0)] * 30)).days]
    assert labels == ["2 Nov", "9 Nov", "16 Nov", "23 Nov", "30 Nov"]


def test_chart_without_activity_has_axes() -> None:
    chart = build_chart(build_days(*[(0, 0)] * 30))
    assert (chart.change_count, chart.failure_count, [label.text for label in chart.counts]) == (0, 0, ["0", "1", "2"])
    assert {bar.changes_height for bar in chart.bars} == {0}


class TestStatus:
    def test_shows_legend_labels_and_table(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        name, endpoint = tenant
        endpoint.create(userName="ada")
        user = {"schemas": [CORE], "userName": "alan", "active": "perhaps"}
        assert endpoint.request("POST", "/Users", user).status == 400
        text = operator_visitor.get(f"/admin/tenants/{name}").text
        assert "Changes: 1" in text
        assert "Failures (striped): 1" in text
        assert re.findall(r'text-anchor="end" dominant-baseline="middle">(\d+)</text>', text) == ["0", "1", "2"]
        assert '<td class="number">1</td><td class="number">1</td>' in text

    def test_says_what_to_do_without_activity(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}")
        assert "No changes and no failures." in page.text
        assert "<svg" not in page.text
        assert f"/admin/tenants/{tenant[0]}/connect" in page.links
