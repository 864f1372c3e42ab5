"""How the identity provider of a tenant is connected, in words."""

import pytest

from scim.protocol.errors import Rule
from scim.service.model.audit.log_record import RejectedTokenCount
from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_first_use, describe_last_use, describe_malformed_tokens

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("agent", "is_write", "words"),
    [
        ("Okta SCIM Client 1.0.0", False, "Connection tested by Okta"),
        ("", False, "Connection tested"),
        ("Google-Auto-Provisioning", True, "First write by Google Workspace"),
    ],
)
def test_first_contact_tells_the_kind_and_the_provider(agent: str, *, is_write: bool, words: str) -> None:
    use = TokenUsage(NOW, "v1", "curl/8.5.0", first_used=NOW, first_is_write=is_write, first_user_agent=agent)
    assert describe_first_use(use) == words


def test_last_request_is_a_read_or_a_write() -> None:
    assert [describe_last_use(TokenUsage(NOW, "v1", is_write=each)) for each in (False, True)] == ["a read", "a write"]


def test_malformed_tokens_are_summed() -> None:
    minutes = [
        RejectedTokenCount("2026-01-31T09:30:01.000Z", "2026-01-31T09:30:59.000Z", 2, Rule.TOKEN_MALFORMED),
        RejectedTokenCount("2026-01-31T09:20:01.000Z", "2026-01-31T09:20:59.000Z", 5, Rule.TOKEN_MALFORMED),
    ]

    told = describe_malformed_tokens(minutes)
    assert told.startswith("At least 7 requests with a malformed token in the last 24 hours")
    assert "most recently at 2026-01-31T09:30:59.000Z" in told
    assert describe_malformed_tokens([]) == ""
