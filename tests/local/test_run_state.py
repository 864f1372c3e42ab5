"""The variables that a local run publishes for other programs."""

from pathlib import Path

import pytest

from local import run_state
from local.errors import LocalRunError

VARIABLES = {"TABLE_NAME": "muster", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}


def test_variables_can_be_read_while_run_holds_lock(tmp_path: Path) -> None:
    with run_state.lock(tmp_path):
        run_state.publish(tmp_path, VARIABLES)
        assert run_state.read_variables(tmp_path) == VARIABLES
    with pytest.raises(LocalRunError, match=r"no local run uses .*; start one with make run"):
        run_state.read_variables(tmp_path)


def test_cleared_variables_mean_run_is_starting(tmp_path: Path) -> None:
    run_state.publish(tmp_path, VARIABLES)
    with run_state.lock(tmp_path):
        run_state.clear(tmp_path)
        with pytest.raises(LocalRunError, match="is still starting"):
            run_state.read_variables(tmp_path)


def test_reading_does_not_hold_lock(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError):
        run_state.read_variables(tmp_path)
    with run_state.lock(tmp_path):
        pass


def test_missing_directory_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="no local run uses"):
        run_state.read_variables(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
