"""Detect the identity provider of a tenant from its recorded requests."""

from __future__ import annotations

from collections.abc import Iterable

from scim.service.identity_providers.detect_by_request import detect_request_provider
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import LogRecord
from scim.service.model.change_record import StoredChange
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.token import TokenUsage


def detect_tenant_provider(
    token_usage: TokenUsage | None, failures: DailyFailures, newest_records: Iterable[LogRecord] = ()
) -> IdentityProvider | None:
    """Return the identity provider of a tenant, ``None`` if it is not detected.

    These are tried in order: the user agent of the last request, the failures of today and yesterday, and
    ``newest_records`` of the audit log. The records are read only if the others do not tell.
    """
    provider = detect_request_provider(token_usage.user_agent, "", (), None) if token_usage else None
    return provider or failures.provider or next(filter(None, map(_detect_in_record, newest_records)), None)


def _detect_in_record(record: LogRecord) -> IdentityProvider | None:
    match record:
        case StoredChange():
            return detect_request_provider("", "", record.change.leniencies, None)
        case FailureCount():
            return record.failure.provider
        case _:
            return None
