"""The sample events of ``make invoke``: which function they are for, and how their outcomes are printed."""

from pathlib import Path

import pytest

from local.emulator.__main__ import format_outcome, main
from local.emulator.sample_event import EVENTS, SampleEvent, build_outcome, list_sample_events
from local.emulator.stack import start_stack
from local.errors import LocalRunError
from tests.template.deployment import FUNCTIONS, ROOT


def test_step_of_rotation_runs_after_earlier_steps() -> None:
    event = SampleEvent(EVENTS / "rotation/3-test-secret.json")
    assert [preceding.name for preceding in event.preceding] == ["rotation/1-create-secret", "rotation/2-set-secret"]


def test_setup_and_outcomes_are_no_events() -> None:
    assert not {event.name.split("/")[0] for event in list_sample_events()} & {"setup", "expected"}


@pytest.mark.parametrize("text", ["", "[]", '{"routeKey": "GET /nothing"}', '{"Records": [{"eventSource": "aws:s3"}]}'])
def test_event_for_no_function_is_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text)
    with pytest.raises(LocalRunError, match=r"event\.json"):
        SampleEvent(path).select_function(FUNCTIONS.values())


def test_missing_file_is_error(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="can't be read"):
        SampleEvent(tmp_path / "missing.json").select_function(FUNCTIONS.values())


def test_missing_packages_are_error(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalRunError, match="make invoke builds them"),
        start_stack(ROOT / "template.yaml", tmp_path, tmp_path),
    ):
        pass


def test_outcome_of_request_has_status_headers_and_body() -> None:
    response = {"statusCode": 200, "headers": {"Content-Type": "application/scim+json"}, "body": '{"id": "7"}'}
    outcome = build_outcome(response, [{"message": "first"}, {"message": "request"}])
    assert outcome == {
        "status": 200,
        "headers": {"content-type": "application/scim+json"},
        "body": {"id": "7"},
        "log": {"message": "request"},
    }
    assert format_outcome(outcome).startswith('200\ncontent-type: application/scim+json\n\n{\n  "id": "7"\n}\n')


def test_outcome_of_batch_has_events_and_dead_letters() -> None:
    outcome = build_outcome({"batchItemFailures": []}, [], ['{"detail-type": "UserCreated"}'], [])
    assert outcome == {"result": {"batchItemFailures": []}, "events": [{"detail-type": "UserCreated"}]}
    assert "UserCreated" in format_outcome(outcome)


def test_wrong_file_name_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path / "missing.json") == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/missing.json can't be read")
