"""The benchmark of a noisy tenant, with few requests."""

import pytest

from tests.bench.command import expect_lines, needs_dynoxide, run_benchmark


@pytest.mark.nightly
@needs_dynoxide
def test_writes_are_refused_and_others_are_not_affected() -> None:
    output = run_benchmark("bench.fairness", "--seconds", "5")
    expect_lines(output, r"noisy tenant +[1-9]\d* +[1-9]\d*", r"others, calls: 1\.00 times")


@pytest.mark.nightly
@needs_dynoxide
def test_scans_are_accepted_while_there_are_permits() -> None:
    output = run_benchmark("bench.fairness", "--seconds", "5", "--scan", "300")
    expect_lines(output, r"noisy tenant +[1-9]\d* +0", "scans of 300 users that were accepted")
