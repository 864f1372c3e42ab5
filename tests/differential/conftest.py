"""The number of comparisons."""

import pytest

from tests.size import scale


@pytest.fixture(scope="session")
def size() -> int:
    """Return the number of PATCH requests to compare. The number of filters is five times as large."""
    return scale(20_000)
