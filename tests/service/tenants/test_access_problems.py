"""The descriptions of the access of a tenant's identity provider."""

import pytest

from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_first_use, describe_last_use

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("agent", "is_write", "text"),
    [
        ("Okta SCIM Client 1.0.0", False, "Connection tested by Okta"),
        ("", False, "Connection tested"),
        ("Google-Auto-Provisioning", True, "Provisioning started by Google Workspace"),
    ],
)
def test_first_use_has_kind_and_provider(agent: str, *, is_write: bool, text: str) -> None:
    use = TokenUsage(NOW, "v1", "curl/8.5.0", first_used=NOW, first_is_write=is_write, first_user_agent=agent)
    assert describe_first_use(use) == text


def test_last_use_is_read_or_write() -> None:
    assert [describe_last_use(TokenUsage(NOW, "v1", is_write=is_write)) for is_write in (False, True)] == [
        "a read",
        "a write",
    ]
