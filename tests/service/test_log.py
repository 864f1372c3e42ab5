"""How a tenant stands: the share of failures against Entra ID's rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from scim.service.failures import Counted
from scim.service.log import Log
from scim.service.ports import Tenant
from scim.service.records import Changed, Place, Record, Refused
from scim.service.report import health_lines
from tests.service.fakes import NOW, MemoryStore


@dataclass
class Records:
    """A tenant of which so many writes failed, and so many changed something."""

    failures_: int = 0
    changes_: int = 0
    refused_: list[Refused] = field(default_factory=list)

    def log(self, *_: object, **__: object) -> Iterator[tuple[Place, Record]]:
        return iter(())

    def failures(self, *_: object) -> Iterator[Counted]:
        return iter(())

    def changes(self, *_: object) -> Iterator[Changed]:
        return iter(())

    def formerly(self, *_: object) -> list[str]:
        return []

    def refused(self, since: str) -> list[Refused]:
        assert since == "2026-01-30T09:30:00.000Z"
        return self.refused_

    def failed(self, days: Sequence[str], *_: object) -> int:
        assert list(days) == ["2026-01-31", "2026-01-30"]
        return self.failures_

    def changed(self, since: str) -> int:
        assert since == "2026-01-30"
        return self.changes_


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
    health = Log(Records(failures, changes), MemoryStore(), Tenant("acme"), lambda: NOW).health()

    assert (health.failures, health.changes) == (failures, changes)
    assert bool(health.warnings) == bool(warning)
    assert warning is None or warning in health.warnings[0]


def test_share_is_that_of_the_writes_that_are_known() -> None:
    assert Log(Records(1, 3), MemoryStore(), Tenant("acme"), lambda: NOW).health().share == 0.25
    assert Log(Records(), MemoryStore(), Tenant("acme"), lambda: NOW).health().share == 0.0


def test_token_that_was_refused_is_warned_of_since_entra_quarantines_at_once() -> None:
    refused = [Refused(NOW, NOW, 2, "token"), Refused(NOW, NOW, 1, "token-expired")]

    health = Log(Records(refused_=refused), MemoryStore(), Tenant("acme"), lambda: NOW).health()

    assert health.refused == 3
    assert "3 or more requests came with a token that is not valid" in health.warnings[0]
    assert list(health_lines(health))[1].startswith("WARNING: ")
