"""The benchmark of an execution environment in the local run."""

from tests.bench.command import expect_lines, run_benchmark


def test_both_sizes_are_measured() -> None:
    expect_lines(
        run_benchmark("bench.invocation"), *(rf"body of {size} bytes: [\d.]+ " for size in ("2,000", "200,000"))
    )
