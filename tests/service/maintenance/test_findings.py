"""Test that each finding is explained."""

import re
from pathlib import Path

from scim.service.maintenance.findings import FINDING_TEXTS, FindingKind

_PAGE = Path(__file__).parents[3] / "docs/operate/check.md"


def test_each_kind_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", _PAGE.read_text(), re.MULTILINE)
    assert {kind for kind, _ in rows} == set(FindingKind)
    not_repaired = {kind for kind, repair in rows if repair.startswith("nothing")}
    assert not_repaired == {kind for kind, text in FINDING_TEXTS.items() if not text.repair}


def test_each_kind_has_a_repair_or_advice() -> None:
    assert all(bool(text.repair) != bool(text.advice) for text in FINDING_TEXTS.values())
    assert FINDING_TEXTS.keys() == set(FindingKind)
