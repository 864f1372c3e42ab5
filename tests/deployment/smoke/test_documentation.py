"""The page about the smoke test lists its checks."""

from deployment.smoke.checks import CHECKS
from tests.test_docs import read_table

PAGE = "docs/operate/smoke-test.md"


def test_page_lists_checks() -> None:
    assert read_table(PAGE, "## Checks") == [[check.name, check.claim] for check in CHECKS]


def test_claims_name_checks() -> None:
    """Each claim that waits for AWS names a check that settles it."""
    names = {check.name for check in CHECKS}
    for claim, checks in read_table(PAGE, "## Claims that wait for AWS"):
        assert any(part.strip() in names for part in checks.split(",")), claim


def test_required_checks_come_before() -> None:
    earlier: set[str] = set()
    for check in CHECKS:
        assert set(check.requires) <= earlier
        earlier.add(check.name)
