"""What a local run tells programs beside it."""

from pathlib import Path

import pytest

from local import run_state
from local.errors import LocalRunError

VARIABLES = {"TABLE_NAME": "muster", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}


def test_a_run_tells_its_variables_for_as_long_as_it_runs(tmp_path: Path) -> None:
    with run_state.lock(tmp_path):
        run_state.publish(tmp_path, VARIABLES)
        assert run_state.read_variables(tmp_path) == VARIABLES
    with pytest.raises(LocalRunError, match=r"nothing runs on .*; start it with make run"):
        run_state.read_variables(tmp_path)


def test_what_an_earlier_run_has_told_does_not_count_while_the_next_is_starting(tmp_path: Path) -> None:
    run_state.publish(tmp_path, VARIABLES)
    with run_state.lock(tmp_path):
        run_state.clear(tmp_path)
        with pytest.raises(LocalRunError, match="is still starting"):
            run_state.read_variables(tmp_path)


def test_asking_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError):
        run_state.read_variables(tmp_path)
    with run_state.lock(tmp_path):
        pass


def test_data_that_are_not_there_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="nothing runs"):
        run_state.read_variables(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
