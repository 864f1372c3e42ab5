"""Several faults of different kinds in one request, such as a lost reply and then a conflict."""

import pytest

from tests.engine.faults.matrix import Matrix
from tests.engine.faults.operations import OPERATIONS
from tests.size import sizes


@pytest.mark.parametrize("count", sizes(4, 1_000))
def test_random_faults(count: int, matrix: Matrix) -> None:
    """Each operation gets other faults with each seed."""
    violations = []
    for seed in range(count):
        operation = OPERATIONS[seed * 7 % len(OPERATIONS)]
        try:
            matrix.run_random(operation, seed)
        except AssertionError as violation:
            violations.append(f"{operation}, seed {seed}: {violation}")
    assert violations == []
