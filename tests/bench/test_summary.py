"""The sentences at the beginning of the page about performance."""

import pytest

from bench.result import Row
from bench.summary import summarize

ROWS = [
    *(
        Row(f"handler call, CPU: {kind}", 0.5, 0.6, "1 ms", "2 ms bare boto3")
        for kind in ("GET", "create", "PATCH of three operations", "page of 100")
    ),
    *(Row(f"CPU of src/scim: {kind}", 0.025) for kind in ("GET", "create", "page of 100")),
    *(Row(f"HTTP, 10,000 users: {kind}", 0.081) for kind in ("GET", "userName eq", "page of 100", "unindexed filter")),
    *(Row(f"per second, one {who}: {kind}", 3_000.0) for who in ("tenant", "account") for kind in ("GET", "create")),
    Row("write units of a create: user", 4),
    Row("write units of a create: unique key", 2),
    Row("import and first request: users", 0.46, 0.6, "146 ms"),
    Row("first request after SnapStart: users", 0.02, None, "20 ms"),
    *(Row(f"saved by the wire client, ms: {kind}", 1.25) for kind in ("GET", "create", "page of 100")),
]


def test_summary_has_the_measured_figures() -> None:
    text = summarize(ROWS)
    assert text.count("\n- ") == 5
    for sentence in (
        "a GET 1 ms (0.50 times)",
        "1/40 for a create",
        "0.081 for userName eq",
        "One customer: 3,000 GETs or 3,000 creates a second.",
        "It takes 6 write units, $3.75 a million: 4 for the user, 2 for the unique key.",
        "146 ms of CPU time",
        "the first request needs 20 ms",
        "1.2 ms for a create ($0.02 a million)",
    ):
        assert sentence in text


def test_missing_figure_is_an_error() -> None:
    with pytest.raises(KeyError, match="handler call, CPU: GET"):
        summarize(ROWS[1:])
