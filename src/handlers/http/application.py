"""One request from event to answer: authenticate, find the endpoint, call it, map errors, encode, log. Done once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from handlers.error_logging import describe_fault
from handlers.http.failure_recorder import LazyFailureRecorder
from handlers.http.request import Request
from handlers.http.response import Response
from handlers.http.routes import Endpoint, Find, Operation, RequestContext
from handlers.http.routes.base_url import MisplacedEndpoint, split_misplaced_endpoint
from scim.auth.authentication import Authentication, MalformedToken, TokenRejected
from scim.aws.errors import NO_RESPONSE
from scim.protocol.errors import InternalError, MethodNotAllowed, NotFound, ScimError, WrongScimUrl
from scim.protocol.leniency import Dialect
from scim.service.deadline import Deadline, RetryCause
from scim.service.model.stored_resource import encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage, days_until_expiry
from scim.service.resources.context import ServiceContext
from scim.settings import Settings
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.endpoint import EndpointAdapters, build_endpoint

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.service.audit.failures import FailureRecorder
    from scim.service.model.failure import RequestSummary

_BASE_PATH = "/scim/v2"

RETRY_FIELDS = {RetryCause.CONFLICT: "conflicts", RetryCause.REFUSED: "retries"}
"""The field of a log line that counts the retries with this cause."""


class ScimApplication:
    """A Lambda handler that serves the endpoints that ``find`` finds; ``resources`` says whether they reach users.

    Adapters are kept as long as the execution environment lives. Where Lambda takes a snapshot of it (SnapStart) they
    are made before, and wrong settings fail the deployment; else for the first request.
    """

    def __init__(self, find: Find, *, resources: bool = True) -> None:
        self._find = find
        self._logger = Logger(use_rfc3339=True)  # Lambda reads the level of a line only beside such a time
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            self._adapters.prime(has_resources=resources)

    @cached_property
    def _adapters(self) -> EndpointAdapters:
        return build_endpoint(Settings.from_environment(os.environ), self._report)

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The answer to a request, as API Gateway hands it over and takes it back."""
        started = time.monotonic()
        request = Request(event)
        line: dict[str, Any] = {"request_id": request.id, "method": request.method}
        try:
            deadline = runtime.create_deadline(context.get_remaining_time_in_millis() / 1_000)
            response = self._answer(request, deadline, line)
        except ScimError as error:
            line |= {"scim_type": error.scim_type, "rule": error.rule}
            if error.is_fault and isinstance(error.__cause__, Exception):
                self._report(error.__cause__, request.id)  # what the on-call person needs behind a 503
            response = _error(error)
        except Exception as fault:  # noqa: BLE001  # the last resort: whatever it is, the client gets SCIM JSON
            self._report(fault, request.id)
            line["rule"] = InternalError.rule
            response = _error(InternalError(f"The request failed; give the request id {request.id} to support."))
        elapsed = round((time.monotonic() - started) * 1_000, 1)
        self._logger.info("request", **line, **response.log, status=int(response.status), ms=elapsed)
        return response.event(request.accepted)

    def _answer(self, request: Request, deadline: Deadline, line: dict[str, Any]) -> Response:
        adapters = self._adapters
        calls = adapters.table(deadline)
        tenants = adapters.tenant_store(calls)
        try:
            opened = adapters.authenticator.authenticate(request.header("authorization"), tenants)
        except TokenRejected as refused:
            line["rejected_tenant"] = refused.tenant_id
            self._note_refusal(refused, request, deadline, line)
            raise
        except MalformedToken as malformed:
            if malformed.is_connected:  # of another one not even the name is logged: anybody may have chosen it
                line["unverified_tenant"] = malformed.tenant_id
                self._note_malformed(malformed, deadline, line)
            raise
        tenant = opened.tenant
        if opened.is_cache_miss:
            self._note_use(opened, tenants, request)
        # Token and settings are cached, and so counted apart.
        line |= {"tenant": tenant.id, "dynamodb_calls_auth": calls.calls}
        calls = adapters.table(deadline)
        context = self._context(request, tenant, deadline)
        recording = LazyFailureRecorder(lambda: self._recording(request, context))
        try:
            return self._dispatch(request, context, calls, recording, line)
        finally:
            recording.finish()
            line |= {"leniencies": context.dialect.used, "dynamodb_calls": calls.calls} | recording.log_fields
            for cause, name in RETRY_FIELDS.items():
                if number := deadline.retry_causes.count(cause):
                    line[name] = number

    def _dispatch(
        self,
        request: Request,
        context: ServiceContext,
        calls: Table,
        recording: LazyFailureRecorder,
        line: dict[str, Any],
    ) -> Response:
        """The answer of the endpoint that the path leads to; how that ended is recorded."""
        endpoint: Endpoint | None = None
        try:
            misplaced = split_misplaced_endpoint(request.segments, context.tenant.resource_types)
            endpoint = self._find(misplaced.meant if misplaced else request.segments, context.tenant.resource_types)
            line["operation"] = f"{request.method} {endpoint.name if endpoint else 'unknown path'}"
            operation = self._operation(endpoint, request, context, misplaced)
            response = operation(self._exchange(request, context, calls, recording))
        except Exception as error:
            failed = error if isinstance(error, ScimError) else InternalError("A fault of the service.")
            recording.record_failure(_asked(request, endpoint, line), failed, context.dialect)
            raise
        if context.dialect.ignored:
            recording.record_success(_asked(request, endpoint, line), context.dialect)
        return response

    def _operation(
        self, endpoint: Endpoint | None, request: Request, context: ServiceContext, misplaced: MisplacedEndpoint | None
    ) -> Operation:
        if misplaced is not None:
            raise WrongScimUrl(
                f"The SCIM URL in the identity provider is wrong: it has /{misplaced.endpoint} at its end. Set it to "
                f"{context.base_url}."
            )
        if endpoint is None:
            raise NotFound(f"Nothing is served at this path. The SCIM URL is {context.base_url}.")
        operation = endpoint.operations.get(request.method)
        if operation is None:
            allowed = ", ".join(endpoint.operations)
            raise MethodNotAllowed(f"{endpoint.name} can be asked with {allowed} only.", headers={"Allow": allowed})
        return operation

    def _exchange(
        self, request: Request, context: ServiceContext, calls: Table, recording: LazyFailureRecorder
    ) -> RequestContext:
        return RequestContext(
            request=request,
            context=context,
            resource_types=context.tenant.resource_types,
            store=lambda resource_type: self._adapters.resource_store(calls, context.tenant, resource_type),
            report=lambda fault: self._report(fault, request.id),
            recorder=recording,
        )

    def _recording(self, request: Request, context: ServiceContext) -> FailureRecorder:
        from scim.service.audit.failures import FailureRecorder

        adapters, deadline = self._adapters, context.deadline
        return FailureRecorder(
            store=lambda: adapters.audit_log_store(adapters.table(deadline), context.tenant.id),
            resource_type=context.tenant.resource_types[0],
            deadline=deadline,
            now=runtime.current_time,
            request_id=request.id,
            report=lambda fault: self._report(fault, request.id),
            agent=request.header("user-agent") or "",
            query=request.query,
        )

    def _note_refusal(self, refused: TokenRejected, request: Request, deadline: Deadline, line: dict[str, Any]) -> None:
        """Leave one record a minute; nothing else of a request without a valid token is kept."""
        adapters = self._adapters
        number = adapters.rejected_tokens.count_request(refused.tenant_id, time.time())
        if number and deadline.has_time():
            from scim.service.identity_providers.recognition import recognize_provider

            records = adapters.audit_log_store(adapters.table(deadline), refused.tenant_id)
            provider = recognize_provider(request.header("user-agent") or "", request.query, (), None)
            if not records.count_rejected_tokens(
                format_rfc3339(runtime.current_time()), number, refused.rule, provider
            ):
                line["unrecorded"] = number

    def _note_malformed(self, malformed: MalformedToken, deadline: Deadline, line: dict[str, Any]) -> None:
        """Count the request, and write the count at most once a minute for each tenant."""
        adapters = self._adapters
        number = adapters.malformed_tokens.count_request(malformed.tenant_id, time.time())
        if number and deadline.has_time():
            records = adapters.audit_log_store(adapters.table(deadline), malformed.tenant_id)
            if not records.count_malformed_tokens(format_rfc3339(runtime.current_time()), number):
                line["unrecorded"] = number

    def _note_use(self, opened: Authentication, tenants: DynamoDBTenantStore, request: Request) -> None:
        """Once a minute: write down that the token is in use, and warn if it ends soon. Never fails the request."""
        tenant, now = opened.tenant.id, time.time()
        if days := days_until_expiry(opened.expires, now):
            self._logger.warning("token expires", tenant=tenant, within_days=days)
        agent = (request.header("user-agent") or "")[:200]
        try:
            tenants.record_token_usage(tenant, TokenUsage(now, opened.version, agent, is_write=_is_write(request)))
        except (ClientError, *NO_RESPONSE) as fault:
            self._report(fault, request.id)

    def _context(self, request: Request, tenant: Tenant, deadline: Deadline) -> ServiceContext:
        return ServiceContext(
            tenant=tenant,
            request_id=request.id,
            base_url=self._adapters.settings.public_url or f"https://{request.domain}{_BASE_PATH}",
            dialect=Dialect(strict=tenant.is_strict),
            deadline=deadline,
            cursor_signer=self._adapters.cursor_signer,
            now=runtime.current_time,
            new_id=runtime.new_id,
        )

    def _report(self, fault: Exception, request_id: str | None = None) -> None:
        """Log a fault of ours; without a request id, one that concerns no request in particular."""
        self._logger.error("fault", request_id=request_id, **describe_fault(fault))


def _is_write(request: Request) -> bool:
    """Return whether the request asks for a change: a search by POST does not."""
    return request.method not in ("GET", "HEAD") and request.segments[-1:] != [".search"]


def _asked(request: Request, endpoint: Endpoint | None, line: Mapping[str, Any]) -> RequestSummary:
    """What the request asked for, of one that could not be read what can be told."""
    from scim.service.model.change_record import WRITE_OPERATIONS
    from scim.service.model.failure import RequestSummary

    operation = line.get("operation", f"{request.method} unknown path")
    if request.method not in WRITE_OPERATIONS:
        return RequestSummary(operation, endpoint.resource_id if endpoint else None, query=request.query)
    try:
        body = request.json()
    except ScimError:
        body = None
    if endpoint is None:
        return RequestSummary(operation, None, body, request.query)
    if endpoint.is_resource:
        return RequestSummary(WRITE_OPERATIONS[request.method], endpoint.resource_id, body)
    return RequestSummary(operation, query=str(body.get("filter", "")) if isinstance(body, dict) else "")


def _error(error: ScimError) -> Response:
    return Response(error.status, encode_json(error.body()), error.headers)
