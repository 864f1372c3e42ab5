"""Charts are valid SVG."""

from xml.etree import ElementTree

from bench.chart import Line, build_table, draw_chart

LINES = [Line("ours", [(100, 0.5), (10_000, 0.6)]), Line("a < b", [(100, 5.0), (1_000, 50.0)], dashed=True)]


def test_chart_has_line_and_label_for_each_series() -> None:
    root = ElementTree.fromstring(draw_chart("title", "users", "ms", LINES))  # noqa: S314  # our own document
    lines = [element for element in root if element.tag.endswith("polyline")]
    labels = [element.text for element in root if element.tag.endswith("text")]
    assert len(lines) == 2
    assert {"title", "users", "ms", "ours", "a < b", "10,000"} <= set(labels)


def test_chart_axes_grow_right_and_up() -> None:
    root = ElementTree.fromstring(draw_chart("title", "users", "ms", LINES))  # noqa: S314  # the same
    line = next(element for element in root if element.get("stroke-dasharray"))
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in str(line.get("points")).split())
    assert x2 > x1
    assert y2 < y1


def test_table_has_column_for_each_number_of_users() -> None:
    assert build_table(LINES).splitlines()[2:] == ["| ours | 500 µs |  | 600 µs |", "| a < b | 5 ms | 50 ms |  |"]
