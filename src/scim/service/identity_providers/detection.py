"""Detect the identity provider of a tenant from what is kept of its traffic."""

from __future__ import annotations

from collections.abc import Iterable

from scim.service.identity_providers.recognition import recognize_provider
from scim.service.model.change_record import StoredChange
from scim.service.model.failure import DailyFailures, FailureCount
from scim.service.model.log_record import LogRecord
from scim.service.model.token import TokenUsage


def detect_provider(use: TokenUsage | None, failures: DailyFailures, newest: Iterable[LogRecord] = ()) -> str | None:
    """Return the provider's page in docs/identity-providers, ``None`` if none can be told.

    The user agent of the last use decides, else the traffic that failed today and yesterday, else the ``newest``
    records of the log, which are read only then.
    """
    by_agent = recognize_provider(use.user_agent, "", (), None) if use else None
    return by_agent or failures.provider or next(filter(None, map(_provider_of, newest)), None)


def _provider_of(record: LogRecord) -> str | None:
    match record:
        case StoredChange():
            return recognize_provider("", "", record.change.leniencies, None)
        case FailureCount():
            return record.failure.provider
        case _:
            return None
