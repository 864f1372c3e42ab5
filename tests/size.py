"""The size of the tests that ``make nightly`` runs."""

import os
from typing import Any

import pytest

SIZE_PERCENT = int(os.environ.get("NIGHTLY_SIZE", "5"))
"""The size in percent of a full run. CI and a plain ``pytest`` use 5, ``make nightly`` uses 100."""


def scale(full: int) -> int:
    """Return the number of cases, at least one, of a test that has ``full`` cases in a full run."""
    return max(1, full * SIZE_PERCENT // 100)


def sizes(usual: int, full: int) -> list[Any]:
    """Return two parameters of a test: ``usual`` for ``make test``, and ``full``, scaled, for ``make nightly``."""
    return [usual, pytest.param(scale(full), marks=pytest.mark.nightly)]
