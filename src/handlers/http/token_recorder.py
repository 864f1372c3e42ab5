"""Record that a tenant's token was used or rejected, and count malformed tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from handlers.http.request import Request
from scim.aws.errors import AwsError
from scim.service.deadline import Deadline
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.wiring import runtime
from scim.wiring.scim_api import ScimApiAdapters

if TYPE_CHECKING:
    from scim.auth.authentication import Authentication, MalformedToken, TokenRejected
    from scim.auth.rejected_tokens import RejectedTokenCounter
    from scim.store.audit_log import DynamoDBAuditLogStore
    from scim.store.tenants import DynamoDBTenantStore

_MAX_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class TokenRecorder:
    """Records the use or the rejection of one request's token. ``report_fault`` logs a fault."""

    adapters: ScimApiAdapters
    request: Request
    deadline: Deadline
    report_fault: Callable[[Exception], None]

    def record_usage(
        self, authentication: Authentication, tenant_store: DynamoDBTenantStore, *, has_wrong_url: bool
    ) -> None:
        """Record that a valid token was used, and the malformed tokens of the tenant that were not written yet.

        ``has_wrong_url`` says whether the request was sent to a wrong SCIM URL. A failed call to the table is logged,
        and does not fail the request.
        """
        if unwritten := self.adapters.malformed_tokens.take_unwritten(authentication.tenant.id, time.time()):
            store = self._build_audit_log_store(authentication.tenant.id)
            store.count_malformed_tokens(format_rfc3339(runtime.current_time()), *unwritten)
        is_write = self.request.method not in ("GET", "HEAD") and self.request.path_segments[-1:] != [".search"]
        user_agent = self._get_user_agent()[:_MAX_USER_AGENT_LENGTH]
        usage = TokenUsage(
            time.time(), authentication.version_id, user_agent, is_write=is_write, has_wrong_url=has_wrong_url
        )
        try:
            tenant_store.record_token_usage(authentication.tenant.id, usage)
        except AwsError as fault:
            self.report_fault(fault)

    def record_rejected(self, error: TokenRejected) -> dict[str, int]:
        """Count a request whose token was rejected, as :meth:`_record` does. Return the fields of its log line."""
        from scim.service.identity_providers.detect_by_request import detect_request_provider

        provider = detect_request_provider(self._get_user_agent(), self.request.query_string, (), None)
        store = self._build_audit_log_store(error.tenant_id)
        count = partial(store.count_rejected_tokens, rule=error.rule, request_id=self.request.id, provider=provider)
        return self._record(self.adapters.rejected_tokens, error, store, count)

    def record_malformed(self, error: MalformedToken) -> dict[str, int]:
        """Count a request whose token was malformed. Return the fields of its log line.

        A request that contains a token of this stack, or the start of one, is recorded as :meth:`_record` does. Anyone
        can send the others, so their count is written by the next request with a valid token (:meth:`record_usage`).
        """
        if not error.is_genuine:
            self.adapters.malformed_tokens.count(error.tenant_id, error.rule)
            return {}
        store = self._build_audit_log_store(error.tenant_id)
        count = partial(store.count_malformed_tokens, rule=error.rule, request_id=self.request.id)
        return self._record(self.adapters.malformed_tokens, error, store, count)

    def _record(
        self,
        counter: RejectedTokenCounter,
        error: TokenRejected | MalformedToken,
        store: DynamoDBAuditLogStore,
        write_count: Callable[[str, int], bool],
    ) -> dict[str, int]:
        """Count a request, and let it be found by its id. Nothing else about it is recorded.

        The count of a tenant is written at most once a minute, and the ids of the first requests of that minute. Return
        the fields of the log line: ``unrecorded`` is the number of requests that could not be counted, ``unindexed`` is
        1 if the id of this request could not be written.
        """
        from scim.service.audit.failure_recorder import FailureLogField

        now = runtime.current_time()
        number = counter.count_and_take_unwritten(error.tenant_id, now)
        if number and not (self.deadline.has_time() and write_count(format_rfc3339(now), number)):
            return {str(FailureLogField.UNRECORDED): number}
        recorded_at = counter.take_record_time(error.tenant_id)
        if recorded_at is None:
            return {}
        recorded = format_rfc3339(recorded_at)
        is_indexed = self.deadline.has_time() and store.record_rejected_request(self.request.id, recorded, error.rule)
        return {} if is_indexed else {str(FailureLogField.UNINDEXED): 1}

    def _get_user_agent(self) -> str:
        return self.request.get_header("user-agent") or ""

    def _build_audit_log_store(self, tenant_id: str) -> DynamoDBAuditLogStore:
        return self.adapters.build_audit_log_store(self.adapters.open_table(self.deadline), tenant_id)
