"""The descriptions of audit events."""

import pytest

from scim.service.audit.audit_event_descriptions import ACTION_DESCRIPTIONS, describe_audit_event
from scim.service.model.audit.audit_event import AuditAction, AuditEvent


def test_actions_have_a_description() -> None:
    assert set(ACTION_DESCRIPTIONS) == set(AuditAction)


@pytest.mark.parametrize("action", AuditAction)
def test_description_is_a_sentence(action: AuditAction) -> None:
    text = describe_audit_event(AuditEvent("1", "2026-01-31T09:30:00.000Z", action, "tests", {"strict": "on"}))
    assert text == f"{ACTION_DESCRIPTIONS[action]}: strict mode on."
