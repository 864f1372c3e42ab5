"""Detect the identity provider of a tenant from what is kept of its traffic."""

from __future__ import annotations

from collections.abc import Iterable

from scim.service.daily_failures import DailyFailures
from scim.service.failures import Counted
from scim.service.ports import Use
from scim.service.providers import recognise
from scim.service.records import Changed, Record


def detect_provider(use: Use | None, failures: DailyFailures, newest: Iterable[Record] = ()) -> str | None:
    """Return the provider's page in docs/identity-providers, ``None`` if none can be told.

    The user agent of the last use decides, else the traffic that failed today and yesterday, else the ``newest``
    records of the log, which are read only then.
    """
    by_agent = recognise(use.agent, "", (), None) if use else None
    return by_agent or failures.provider or next(filter(None, map(_provider_of, newest)), None)


def _provider_of(record: Record) -> str | None:
    match record:
        case Changed():
            return recognise("", "", record.change.leniencies, None)
        case Counted():
            return record.failure.provider
        case _:
            return None
