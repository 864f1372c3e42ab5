"""The identity provider that is detected from what is kept of a tenant's traffic."""

from dataclasses import replace

import pytest

from scim.service.daily_failures import DailyFailures
from scim.service.failures import Counted
from scim.service.ports import Change, Use
from scim.service.provider_detection import detect_provider
from scim.service.records import Changed, Record, Refused
from tests.service.fakes import NOW
from tests.service.test_explanations import FAILURE

OKTA, CURL = Use(1.0, "v1", "Okta SCIM Client 1.0.0"), Use(1.0, "v1", "curl/8")
CHANGE = Change(NOW, "patch", [], "unchanged", "scim", "request-1", [], "User", "ada", None, active=True)
BY_ENTRA = Changed("1", replace(CHANGE, leniencies=["path-as-key"]))
REFUSED = Refused(NOW, NOW, 1, "token")


@pytest.mark.parametrize(
    ("use", "failures", "newest", "expected"),
    [
        (OKTA, "entra", [BY_ENTRA], "okta"),
        (CURL, "google", [BY_ENTRA], "google"),
        (CURL, None, [REFUSED, Changed("1", CHANGE), BY_ENTRA], "entra"),
        (CURL, None, [Counted(replace(FAILURE, provider="onelogin"), NOW, 1), BY_ENTRA], "onelogin"),
        (None, None, [REFUSED], None),
    ],
)
def test_provider_is_detected(
    use: Use | None, failures: str | None, newest: list[Record], expected: str | None
) -> None:
    assert detect_provider(use, DailyFailures(provider=failures), newest) == expected


def test_newest_records_are_not_read_without_need() -> None:
    newest = iter([BY_ENTRA])
    assert detect_provider(OKTA, DailyFailures(), newest) == "okta"
    assert next(newest) == BY_ENTRA
