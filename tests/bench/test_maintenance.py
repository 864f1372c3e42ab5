"""The benchmark of the commands that read or delete all data of a customer, with few users."""

import pytest

from tests.bench.command import expect_lines, needs_dynoxide, run_benchmark


@pytest.mark.nightly
@needs_dynoxide
def test_commands_are_measured_and_nothing_is_left_after_the_purge() -> None:
    output = run_benchmark("bench.maintenance", "--users", "300", "--rate", "1000", "--alone", "1")
    expect_lines(
        output,
        r"check +\S+ .* 0 problems found, 0 repaired",
        # Two deleted index entries of one user are one problem.
        r"check --repair +\S+ .* ([1-9]\d+) problems found, \1 repaired",
        r"check after the repair +\S+ .* 0 problems found, 0 repaired",
        r"export +\S+ .* 300 users",
        r"resync +\S+ .* 300 events",
        r"left in the table: CERTIFICATES acme#\S+, TASKS purge#acme; 0 items with a value of a user",
        "left in the queues: 0 messages",
        "left in Secrets Manager: no secret",
        "left in the log of the functions: 0 values of users",
    )
