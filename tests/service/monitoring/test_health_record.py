"""When a tenant turns bad, and when it has recovered."""

import pytest

from scim.service.model.timestamps import format_rfc3339
from scim.service.monitoring.health_record import (
    RECOVERY_S,
    HealthAlert,
    HealthRecord,
    apply_state,
    mark_sent,
)
from scim.service.tenants.health import HealthLevel, HealthState

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
RUN_S = 300.0
BAD_STATES = [state for state in HealthState if state.level is HealthLevel.BAD]
ALERT = HealthAlert("2026-01-31T09:30:00.000Z", HealthState.FAILING, "cause", ["topic", "webhook"], NOW)


def count_turns(*states: HealthState) -> int:
    """Return how often a tenant turns bad if each run finds one of these states."""
    record, turns = HealthRecord(), 0
    for number, state in enumerate(states):
        after = apply_state(record, state, NOW + number * RUN_S)
        turns += after.is_bad and not record.is_bad
        record = after
    return turns


def test_states_that_are_bad() -> None:
    assert set(HealthState) - set(BAD_STATES) == {
        HealthState.UNKNOWN,
        HealthState.DISCONNECTED,
        HealthState.NO_REQUEST_YET,
        HealthState.HEALTHY,
    }


@pytest.mark.parametrize("state", BAD_STATES)
def test_first_bad_state_is_a_turn(state: HealthState) -> None:
    record = apply_state(HealthRecord(), state, NOW)
    assert (record.is_bad, record.since) == (True, format_rfc3339(NOW))
    assert apply_state(record, HealthState.REPEATING_FAILURE, NOW + RUN_S) == record


def test_state_that_changes_back_and_forth_is_one_turn() -> None:
    assert count_turns(*[HealthState.FAILING, HealthState.HEALTHY] * 20) == 1


def test_bad_state_after_recovery_is_another_turn() -> None:
    good = [HealthState.HEALTHY] * (int(RECOVERY_S / RUN_S) + 1)
    assert count_turns(HealthState.FAILING, *good, HealthState.FAILING) == 2
    assert count_turns(HealthState.FAILING, *good[:-1], HealthState.FAILING) == 1


def test_unknown_state_neither_turns_nor_recovers() -> None:
    unknown = [HealthState.UNKNOWN] * 30
    assert count_turns(*unknown) == 0
    assert count_turns(HealthState.FAILING, *unknown, HealthState.FAILING) == 1


def test_alert_is_kept_until_all_channels_have_accepted_it() -> None:
    record = HealthRecord(is_bad=True, alert=ALERT)
    after_topic = mark_sent(record, ALERT, "topic")
    assert after_topic.alert is not None
    assert after_topic.alert.channels == ["webhook"]
    assert mark_sent(after_topic, ALERT, "webhook").alert is None


def test_alert_that_has_replaced_another_is_not_marked() -> None:
    record = HealthRecord(is_bad=True, alert=ALERT)
    earlier = HealthAlert("2026-01-30T09:30:00.000Z", HealthState.FAILING, "", ["topic"], NOW)
    assert mark_sent(record, earlier, "topic") == record
    assert mark_sent(HealthRecord(), earlier, "topic") == HealthRecord()
