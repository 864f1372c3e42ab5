"""How a tenant stands: the share of failures against Entra ID's rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from scim.service.failures import Counted
from scim.service.health import Day
from scim.service.log import Log
from scim.service.ports import Tenant
from scim.service.records import Changed, Place, Record, Refused
from tests.service.fakes import NOW, MemoryStore

TODAY, YESTERDAY = "2026-01-31", "2026-01-30"


@dataclass
class Records:
    """A tenant of which today and yesterday so many writes failed, and so many changed something."""

    failures_: int = 0
    changes_: int = 0
    refused_: list[Refused] = field(default_factory=list)

    def log(self, *_: object, **__: object) -> Iterator[tuple[Place, Record]]:
        return iter(())

    def failures(self, *_: object) -> Iterator[Counted]:
        return iter(())

    def changes(self, *_: object) -> Iterator[Changed]:
        return iter(())

    def formerly(self, *_: object) -> Iterator[str]:
        return iter(())

    def user_names(self, _: object) -> dict[str, str]:
        return {}

    def refused(self, since: str) -> list[Refused]:
        assert since == "2026-01-30T09:30:00.000Z"
        return self.refused_

    def malformed_tokens(self, _: object) -> list[Refused]:
        return []

    def failed(self) -> dict[tuple[str, str], int]:
        failed = {(TODAY, "create"): self.failures_ // 2, (YESTERDAY, "patch"): self.failures_ - self.failures_ // 2}
        return failed | {("2026-01-29", "create"): 99_999, (TODAY, "GET Users"): 7, (YESTERDAY, "authenticate"): 5}

    def changed(self, day: str) -> int:
        return {TODAY: self.changes_, YESTERDAY: 0}.get(day, 99_999)


def log_of(records: Records) -> Log:
    return Log(records, MemoryStore(), Tenant("acme"), lambda: None, lambda: NOW)


@pytest.mark.parametrize(
    ("failures", "changes", "warning"),
    [
        (0, 0, None),
        (0, 90_000, None),
        (2_499, 0, None),
        (2_500, 10_000, None),
        (2_500, 9_000, "Entra ID quarantines from 5000 failures on if more than 40% fail"),
        (5_000, 7_500, "Entra ID quarantines from 5000"),
        (5_000, 7_499, "by its published rules Entra ID quarantines now"),
        (20_000, 900_000, None),
        (20_001, 900_000, "from 40000 on in any case"),
        (40_001, 900_000, "quarantines now"),
    ],
)
def test_warning_comes_before_the_quarantine(failures: int, changes: int, warning: str | None) -> None:
    health = log_of(Records(failures, changes)).health()

    assert (health.failures, health.changes) == (failures, changes)
    assert bool(health.warnings) == bool(warning)
    assert warning is None or warning in health.warnings[0]


def test_share_is_that_of_the_writes_that_are_known() -> None:
    assert log_of(Records(1, 3)).health().share == 0.25
    assert log_of(Records()).health().share == 0.0


def test_token_that_was_refused_is_warned_of_since_entra_quarantines_at_once() -> None:
    refused = [Refused(NOW, NOW, 2, "token"), Refused(NOW, NOW, 1, "token-expired")]

    health = log_of(Records(refused_=refused)).health()

    assert health.refused == 3
    assert "3 or more requests came with a token that is not valid" in health.warnings[0]


def test_activity_has_each_day_with_all_that_failed_and_of_it_the_writes() -> None:
    days = log_of(Records(5, 3)).activity(3)

    assert days == [
        Day("2026-01-29", 99_999, 99_999, 99_999),
        Day(YESTERDAY, 0, 8, 3),
        Day(TODAY, 3, 9, 2),
    ]


def test_health_of_more_days_is_that_of_the_last_two() -> None:
    log = log_of(Records(5, 3))
    assert log.health(log.activity(30)) == log.health()
    assert (log.health().failures, log.health().changes) == (5, 3)
