"""A fault of one attempt of a call to AWS: another attempt succeeds, unless the deadline has passed."""

import pytest

from tests.engine.faults.conftest import CheckCases
from tests.engine.faults.kinds import FaultKind


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.name.lower())
def test_fault_of_one_attempt(kind: FaultKind, check_cases: CheckCases) -> None:
    check_cases(kind, is_repeated=False)
