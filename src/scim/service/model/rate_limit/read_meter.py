"""Charge permits of the rate limit for what a query reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

RESOURCES_PER_PERMIT = 250
"""The number of resources that a query reads for one permit. A page has fewer, so it is free."""
KEYS_PER_RESOURCE = 10
"""The number of keys that a query counts for the price of one resource: a key is about a tenth as large."""


def _charge_nothing(_: int) -> None:
    return


@dataclass(slots=True)
class ReadMeter:
    """Charges one permit each time that a query has read :data:`RESOURCES_PER_PERMIT` resources.

    ``take`` takes the first permit, and raises :class:`RateLimitExceeded` if the tenant has none.
    ``charge`` takes the others, even if the tenant then owes them: a query that stops half-way has read for nothing,
    and is sent again.
    """

    take: Callable[[int], None] = _charge_nothing
    charge: Callable[[int], None] = _charge_nothing
    permits: int = 0
    _keys: int = 0

    def add_resources(self, number: int) -> None:
        """Count resources that are read."""
        self._add(number * KEYS_PER_RESOURCE)

    def add_keys(self, number: int) -> None:
        """Count keys that are counted without reading them."""
        self._add(number)

    def _add(self, keys: int) -> None:
        self._keys += keys
        due = self._keys // (RESOURCES_PER_PERMIT * KEYS_PER_RESOURCE) - self.permits
        if not due:
            return
        if not self.permits:
            self.take(1)
            self.permits, due = 1, due - 1
        if due:
            self.charge(due)
            self.permits += due
