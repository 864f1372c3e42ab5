"""What a local run tells programs beside it."""

from pathlib import Path

import pytest

from local import running
from local.problem import Problem

VARIABLES = {"TABLE_NAME": "muster", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}


def test_a_run_tells_its_variables_for_as_long_as_it_runs(tmp_path: Path) -> None:
    with running.claimed(tmp_path):
        running.tell(tmp_path, VARIABLES)
        assert running.variables(tmp_path) == VARIABLES
    with pytest.raises(Problem, match=r"nothing runs on .*; start it with make run"):
        running.variables(tmp_path)


def test_what_an_earlier_run_has_told_does_not_count_while_the_next_is_starting(tmp_path: Path) -> None:
    running.tell(tmp_path, VARIABLES)
    with running.claimed(tmp_path):
        running.forget(tmp_path)
        with pytest.raises(Problem, match="is still starting"):
            running.variables(tmp_path)


def test_asking_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    with pytest.raises(Problem):
        running.variables(tmp_path)
    with running.claimed(tmp_path):
        pass


def test_data_that_are_not_there_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="nothing runs"):
        running.variables(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
