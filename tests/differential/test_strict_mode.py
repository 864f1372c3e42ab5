"""The page on strict mode lists all PATCH requests that strict mode rejects and scim2-models accepts by default."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scim2_models import ScimPolicy

from scim.protocol.leniency import Leniency, LeniencyTracker
from tests.differential import reference
from tests.differential.comparison import Rejection
from tests.differential.generator import Generator
from tests.differential.test_patches import run_ours
from tests.test_docs import read_table

STRICT_MODE = "docs/use/identity-providers/README.md", "## Strict mode"
DEFAULT = ScimPolicy()
"""Without options, scim2-models accepts what the RFC defines."""


def generate_accepted(size: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Generate users and PATCH operations that both sides accept, without strict mode."""
    generator = Generator(7644_352)
    for _ in range(size):
        user, operations = generator.generate_user(), generator.generate_operations()
        theirs = reference.patch(reference.parse_user(user), operations, DEFAULT)
        ours = run_ours(user, operations, LeniencyTracker())
        if not isinstance(theirs, Rejection) and not isinstance(ours, Rejection):
            yield user, operations


@pytest.mark.nightly
def test_strict_mode_rejects_what_the_page_lists(size: int, record_property: Callable[[str, object], None]) -> None:
    rejected: Counter[str | None] = Counter()
    accepted = 0
    for user, operations in generate_accepted(size):
        leniencies = LeniencyTracker(is_strict=True)
        if isinstance(run_ours(user, operations, leniencies), Rejection):
            rejected[leniencies.last_rejected] += 1
        else:
            accepted += 1
    record_property("summary", f"PATCH requests in strict mode\n{accepted:,} accepted, rejected: {dict(rejected)}")

    assert accepted > size / 10
    assert Leniency.PATHLESS_PATCH.label in rejected
    assert set(rejected) <= {name.strip("`") for _, name, _ in read_table(*STRICT_MODE)}
