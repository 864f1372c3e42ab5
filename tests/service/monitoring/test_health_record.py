"""When a tenant turns bad, and when it has recovered."""

import pytest

from scim.service.model.timestamps import format_rfc3339
from scim.service.monitoring.health_record import (
    RECOVERY_S,
    Episode,
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
        turns += after.has_turned_bad_since(record)
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
    assert (record.is_bad, record.bad.since) == (True, format_rfc3339(NOW))
    assert not apply_state(record, HealthState.REPEATING_FAILURE, NOW + RUN_S).has_turned_bad_since(record)


def test_state_that_changes_back_and_forth_is_one_turn() -> None:
    assert count_turns(*[HealthState.FAILING, HealthState.HEALTHY] * 20) == 1


def test_bad_state_after_recovery_is_another_turn() -> None:
    good = [HealthState.HEALTHY] * (int(RECOVERY_S / RUN_S) + 1)
    assert count_turns(HealthState.FAILING, *good, HealthState.FAILING) == 2
    assert count_turns(HealthState.FAILING, *good[:-1], HealthState.FAILING) == 1


@pytest.mark.parametrize("state", [state for state in HealthState if state.is_outage])
def test_outage_of_a_bad_tenant_is_another_turn(state: HealthState) -> None:
    """A tenant is bad for weeks because of a few people, and then no one can be provisioned any more."""
    assert count_turns(*[HealthState.REPEATING_FAILURE] * 1_000, state) == 2
    assert count_turns(HealthState.REPEATING_FAILURE, *[state, HealthState.REPEATING_FAILURE] * 20) == 2
    rest = [HealthState.REPEATING_FAILURE] * (int(RECOVERY_S / RUN_S) + 1)
    assert count_turns(HealthState.REPEATING_FAILURE, state, *rest, state) == 3


def test_outage_is_one_turn_together_with_the_first_bad_state() -> None:
    assert count_turns(HealthState.TOKEN_REJECTED, HealthState.TOKEN_REJECTED, HealthState.REPEATING_FAILURE) == 1


def test_unknown_state_neither_turns_nor_recovers() -> None:
    unknown = [HealthState.UNKNOWN] * 30
    assert count_turns(*unknown) == 0
    assert count_turns(HealthState.FAILING, *unknown, HealthState.FAILING) == 1


def test_alert_is_kept_until_all_channels_have_accepted_it() -> None:
    record = HealthRecord(bad=Episode(is_open=True), alert=ALERT)
    after_topic = mark_sent(record, ALERT, "topic")
    assert after_topic.alert is not None
    assert after_topic.alert.channels == ["webhook"]
    assert mark_sent(after_topic, ALERT, "webhook").alert is None


def test_alert_that_has_replaced_another_is_not_marked() -> None:
    record = HealthRecord(bad=Episode(is_open=True), alert=ALERT)
    earlier = HealthAlert("2026-01-30T09:30:00.000Z", HealthState.FAILING, "", ["topic"], NOW)
    assert mark_sent(record, earlier, "topic") == record
    assert mark_sent(HealthRecord(), earlier, "topic") == HealthRecord()
