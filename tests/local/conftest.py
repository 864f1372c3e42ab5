"""A fixture for the tests of the engines and their streams."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import engine as engines
from local.engine import Engine
from local.table import ensure_table
from tests.local.engines import NAMES, TABLE


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each engine with an empty table and its stream."""
    with engines.start(tmp_path, request.param) as engine:
        ensure_table(engine, TABLE)
        yield engine
