"""The identity provider that is detected from the records of a tenant."""

from dataclasses import replace

import pytest

from scim.service.identity_providers.detect_by_log import detect_tenant_provider
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import LogRecord, RejectedTokenCount
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.token import TokenUsage
from tests.service.audit.test_explanations import FAILURE
from tests.service.fakes import NOW

ENTRA, GOOGLE, ONELOGIN = IdentityProvider.ENTRA, IdentityProvider.GOOGLE, IdentityProvider.ONELOGIN

BY_OKTA, BY_CURL = TokenUsage(1.0, "v1", "Okta SCIM Client 1.0.0"), TokenUsage(1.0, "v1", "curl/8")
CHANGE = ChangeRecord(
    NOW, Operation.PATCH, [], Participation.UNCHANGED, "scim", "request-1", [], "User", "ada", None, active=True
)
BY_ENTRA = StoredChange("1", replace(CHANGE, leniencies=["path-as-key"]))
REJECTED = RejectedTokenCount(NOW, NOW, 1, "token")


@pytest.mark.parametrize(
    ("usage", "failures", "newest", "expected"),
    [
        (BY_OKTA, ENTRA, [BY_ENTRA], IdentityProvider.OKTA),
        (BY_CURL, GOOGLE, [BY_ENTRA], GOOGLE),
        (BY_CURL, None, [REJECTED, StoredChange("1", CHANGE), BY_ENTRA], ENTRA),
        (
            BY_CURL,
            None,
            [FailureCount(replace(FAILURE, provider=ONELOGIN), NOW, 1), BY_ENTRA],
            ONELOGIN,
        ),
        (None, None, [REJECTED], None),
    ],
)
def test_provider_is_detected(
    usage: TokenUsage | None,
    failures: IdentityProvider | None,
    newest: list[LogRecord],
    expected: IdentityProvider | None,
) -> None:
    assert detect_tenant_provider(usage, DailyFailures(provider=failures), newest) == expected


def test_user_agent_is_enough_without_records() -> None:
    newest = iter([BY_ENTRA])
    assert detect_tenant_provider(BY_OKTA, DailyFailures(), newest) == IdentityProvider.OKTA
    assert next(newest) == BY_ENTRA
