"""A fault of all attempts of a call to AWS: the request ends before its deadline."""

import pytest

from tests.engine.faults.conftest import CheckCases
from tests.engine.faults.kinds import FaultKind

KINDS = [kind for kind in FaultKind if not kind.is_deadline]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
def test_fault_of_all_attempts(kind: FaultKind, check_cases: CheckCases) -> None:
    check_cases(kind, is_repeated=True)
