"""The SCIM endpoint as a Lambda handler: authenticate, route, handle errors and log each request."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from handlers.error_logging import describe_fault
from handlers.http.json_logger import JsonLogger
from handlers.http.lazy_failure_recorder import LazyFailureRecorder
from handlers.http.request import Request
from handlers.http.request_log import RequestLogLine
from handlers.http.request_rate_limit import RequestRateLimit
from handlers.http.response import Response
from handlers.http.routes import Endpoint, EndpointFinder, EndpointHandler, PublicEndpointFinder, RequestContext
from handlers.http.routes.misplaced_endpoint import MisplacedEndpoint, find_misplaced_endpoint
from handlers.http.token_recorder import TokenRecorder
from scim.auth.authentication import MalformedToken, TokenRejected
from scim.protocol.errors import InternalError, MethodNotAllowed, NotFound, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.service.deadline import Deadline, RetryCause
from scim.service.model.change_record import WRITE_OPERATIONS
from scim.service.model.rate_limit.bucket import RateLimitExceeded
from scim.service.model.stored_resource import encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.token import find_warning_days
from scim.service.resources.context import ServiceContext
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.scim_api import ScimApiAdapters, build_scim_api_adapters

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scim.service.audit.failure_recorder import FailureRecorder
    from scim.service.model.audit.failure import RequestSummary
    from scim.service.model.deactivations.brake import MassDeactivation
    from scim.service.rate_limit.limiter import RequestPermits
    from scim.store.table import Table

_BASE_PATH = "/scim/v2"

RETRY_LOG_FIELDS = {RetryCause.CONFLICT: "conflicts", RetryCause.UNAVAILABLE: "retries"}
"""The field of a log line that counts the retries with this cause."""


class ScimApplication:
    """A Lambda handler for the endpoints that ``find_endpoint`` returns.

    ``has_resources`` says whether the endpoints access users. ``find_public_endpoint`` returns the endpoints that need
    no token.

    The adapters live as long as the execution environment. With SnapStart they are built before the snapshot is taken,
    so that invalid settings fail the deployment. Without SnapStart they are built for the first request.
    """

    def __init__(
        self,
        find_endpoint: EndpointFinder,
        find_public_endpoint: PublicEndpointFinder = lambda _: None,
        *,
        has_resources: bool = True,
    ) -> None:
        self._find_endpoint = find_endpoint
        self._find_public_endpoint = find_public_endpoint
        self._logger = JsonLogger()
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            self._adapters.preload(has_resources=has_resources)

    @cached_property
    def _adapters(self) -> ScimApiAdapters:
        return build_scim_api_adapters(Settings.from_environment(os.environ), self._report_fault)

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Return the response to a request. Both are in API Gateway's payload format 2.0."""
        started = time.monotonic()
        request = Request(event)
        log = RequestLogLine(request.id, request.method)
        response = self._build_response(request, context, log)
        elapsed_ms = round((time.monotonic() - started) * 1_000, 1)
        self._logger.info("request", **log.fields(), **response.log_fields, status=int(response.status), ms=elapsed_ms)
        return response.to_gateway_response(request.response_media_type, has_body=request.method != "HEAD")

    def _build_response(self, request: Request, context: LambdaContext, log: RequestLogLine) -> Response:
        """Return the response to a request. Convert every exception to an error response."""
        try:
            if (public_response := self._serve_public_endpoint(request, log)) is not None:
                return public_response
            deadline = runtime.create_deadline(context.get_remaining_time_in_millis() / 1_000)
            tenant, misplaced = self._authenticate(request, deadline, log)
            return self._serve_tenant(request, tenant, misplaced, deadline, log)
        except ScimError as error:
            log.scim_type, log.rule = error.scim_type, error.rule
            if error.is_fault and isinstance(error.__cause__, Exception):
                self._report_fault(error.__cause__, request.id)  # the on-call engineer needs the cause of a 503
            return _error_response(error)
        except Exception as fault:  # noqa: BLE001  # the client must get SCIM JSON for any error
            self._report_fault(fault, request.id)
            log.rule = InternalError.rule
            return _error_response(_build_internal_error(request.id))

    def _serve_public_endpoint(self, request: Request, log: RequestLogLine) -> Response | None:
        """Return the response to a request that has no token and needs none, ``None`` for any other request.

        It makes no call to AWS.
        """
        if request.get_header("authorization") or request.method not in ("GET", "HEAD"):
            return None
        endpoint = self._find_public_endpoint(request.path_segments)
        if endpoint is None:
            return None
        log.operation = f"{request.method} {endpoint.name}"
        return endpoint.get(request, self._build_base_url(request))

    def _build_base_url(self, request: Request) -> str:
        return self._adapters.settings.public_url or f"https://{request.domain}{_BASE_PATH}"

    def _authenticate(
        self, request: Request, deadline: Deadline, log: RequestLogLine
    ) -> tuple[Tenant, MisplacedEndpoint | None]:
        """Return the tenant of a request's token, and what the client meant if the SCIM URL is wrong.

        Record that the token was used or rejected. After a request to a wrong SCIM URL, the next request is recorded
        too: it may be the first one to the right SCIM URL, which shows that the SCIM URL was corrected.

        Raise :class:`scim.protocol.errors.Unauthorized` or a subclass if the token is not valid.
        """
        table = self._adapters.open_table(deadline)
        tenants = self._adapters.build_tenant_store(table)
        recorder = TokenRecorder(self._adapters, request, deadline, lambda fault: self._report_fault(fault, request.id))
        try:
            authentication = self._adapters.authenticator.authenticate(request.get_header("authorization"), tenants)
        except TokenRejected as error:
            log.rejected_tenant_id = error.tenant_id
            log.add(recorder.record_rejected(error))
            raise
        except MalformedToken as error:
            if error.is_connected:  # other names are not logged: the client may have made them up
                log.unverified_tenant_id = error.tenant_id
                log.add(recorder.record_malformed(error))
            raise
        tenant = authentication.tenant
        misplaced = find_misplaced_endpoint(request.path_segments, request.raw_query_string, tenant.resource_types)
        if authentication.is_first_use:
            self._warn_of_expiry(tenant, authentication.expires)
        if authentication.is_first_use or misplaced:
            recorder.record_usage(authentication, tenants, has_wrong_url=misplaced is not None)
        if misplaced:
            self._adapters.authenticator.reset_first_use(tenant.id)
        # Token and settings are cached, so the calls that read them are not counted as calls of this request.
        log.tenant_id, log.dynamodb_calls_auth = tenant.id, table.calls
        return tenant, misplaced

    def _serve_tenant(
        self,
        request: Request,
        tenant: Tenant,
        misplaced: MisplacedEndpoint | None,
        deadline: Deadline,
        log: RequestLogLine,
    ) -> Response:
        """Return the response to an authenticated request. Complete its log line and its recorded failures.

        ``misplaced`` is what the client meant if the SCIM URL is wrong.
        """
        table, deactivations_table = self._adapters.open_table(deadline), self._adapters.open_table(deadline)
        rate_limit = RequestRateLimit(self._adapters, tenant.id, deadline)
        service_context = self._build_service_context(
            request, tenant, rate_limit.permits, deadline, deactivations_table
        )
        recorder = LazyFailureRecorder(lambda: self._build_failure_recorder(request, service_context))
        context = RequestContext(
            request=request,
            service_context=service_context,
            resource_types=tenant.resource_types,
            build_resource_store=lambda resource_type: self._adapters.build_resource_store(
                table, tenant, resource_type
            ),
            report_fault=lambda fault: self._report_fault(fault, request.id),
            recorder=recorder,
        )
        try:
            return rate_limit.add_headers(self._call_handler(context, misplaced, recorder, log))
        except ScimError as error:
            rate_limit.add_headers_to_error(error)
            raise
        finally:
            recorder.finish()
            log.leniencies, log.dynamodb_calls = service_context.leniencies.used, table.calls
            log.dynamodb_calls_deactivations = deactivations_table.calls or None
            log.add(recorder.log_fields)
            log.add(_count_retries(deadline))
            log.add(rate_limit.log_fields)

    def _call_handler(
        self,
        context: RequestContext,
        misplaced: MisplacedEndpoint | None,
        recorder: LazyFailureRecorder,
        log: RequestLogLine,
    ) -> Response:
        """Call the handler of the request's endpoint, and return its response.

        Record the request if it failed, or if it succeeded although part of it was ignored. Requests over the rate
        limit are recorded at most once a minute, so that refusing them stays cheap.
        """
        request, service_context = context.request, context.service_context
        tenant, leniencies = service_context.tenant, service_context.leniencies
        endpoint: Endpoint | None = None
        try:
            segments = misplaced.intended_segments if misplaced else request.path_segments
            endpoint = self._find_endpoint(segments, tenant.resource_types)
            log.operation = f"{request.method} {endpoint.name if endpoint else 'unknown path'}"
            handler = _find_handler(endpoint, request.method, misplaced, service_context.base_url)
            if endpoint is not None and endpoint.is_resource and request.method in WRITE_OPERATIONS:
                service_context.permits.take(1)
            response = handler(context)
        except RateLimitExceeded as error:
            if count := self._adapters.rate_limited_requests.count_and_take_unwritten(tenant.id, time.time()):
                recorder.record_refusals(_summarize(request, endpoint, log.operation), error, count)
            raise
        except Exception as error:
            scim_error = error if isinstance(error, ScimError) else _build_internal_error(request.id)
            recorder.record_failure(_summarize(request, endpoint, log.operation), scim_error, leniencies)
            raise
        if leniencies.ignored:
            recorder.record_success(_summarize(request, endpoint, log.operation), leniencies)
        return response

    def _build_service_context(
        self, request: Request, tenant: Tenant, permits: RequestPermits, deadline: Deadline, deactivations_table: Table
    ) -> ServiceContext:
        guard = self._adapters.build_deactivation_guard(
            deactivations_table,
            tenant,
            request.id,
            lambda alert: self._report_alert(tenant, alert),
            lambda fault: self._report_fault(fault, request.id),
        )
        return ServiceContext(
            tenant=tenant,
            request_id=request.id,
            base_url=self._build_base_url(request),
            leniencies=LeniencyTracker(is_strict=tenant.is_strict),
            deadline=deadline,
            cursor_signer=self._adapters.cursor_signer,
            deactivation_guard=guard,
            permits=permits,
            now=runtime.current_time,
            new_id=runtime.new_id,
        )

    def _build_failure_recorder(self, request: Request, context: ServiceContext) -> FailureRecorder:
        from scim.service.audit.failure_recorder import FailureRecorder

        adapters, deadline = self._adapters, context.deadline
        return FailureRecorder(
            open_store=lambda: adapters.build_audit_log_store(adapters.open_table(deadline), context.tenant.id),
            resource_type=context.tenant.resource_types[0],
            deadline=deadline,
            now=runtime.current_time,
            request_id=request.id,
            report_fault=lambda fault: self._report_fault(fault, request.id),
            user_agent=request.get_header("user-agent") or "",
            query=request.query_string,
        )

    def _warn_of_expiry(self, tenant: Tenant, expires: float | None) -> None:
        if days := find_warning_days(expires, time.time()):
            self._logger.warning("token expires", tenant=tenant.id, within_days=days)

    def _report_alert(self, tenant: Tenant, alert: MassDeactivation) -> None:
        self._logger.warning(
            "mass deactivation",
            tenant=tenant.id,
            request_id=alert.request_id,
            deactivated=alert.deactivated,
            active_before=alert.active_before,
            held=alert.is_held,
        )

    def _report_fault(self, fault: Exception, request_id: str | None = None) -> None:
        """Log a fault of the service. ``request_id`` is ``None`` for a fault outside a request."""
        self._logger.error("fault", request_id=request_id, **describe_fault(fault))


def _find_handler(
    endpoint: Endpoint | None, method: str, misplaced: MisplacedEndpoint | None, base_url: str
) -> EndpointHandler:
    """Return the handler of a method: for HEAD, that of GET (RFC 9110 section 9.3.2).

    Raise :class:`ScimError` if the path or the method is not supported.
    """
    if misplaced is not None:
        raise misplaced.build_error(base_url)
    if endpoint is None:
        raise NotFound(f"Nothing exists at this path. The SCIM URL is {base_url}.")
    handler = endpoint.handlers.get("GET" if method == "HEAD" else method)
    if handler is None:
        allowed = ", ".join(endpoint.allowed_methods)
        raise MethodNotAllowed(f"This path supports only {allowed}.", headers={"Allow": allowed})
    return handler


def _summarize(request: Request, endpoint: Endpoint | None, operation: str | None) -> RequestSummary:
    """Return the parts of a request that the audit log needs. The body is ``None`` if it cannot be parsed."""
    from scim.service.model.audit.failure import RequestSummary

    name = operation or f"{request.method} unknown path"
    if request.method not in WRITE_OPERATIONS:
        return RequestSummary(name, endpoint.resource_id if endpoint else None, query=request.query_string)
    try:
        body = request.json()
    except ScimError:
        body = None
    if endpoint is None:
        return RequestSummary(name, None, body, request.query_string)
    if endpoint.is_resource:
        return RequestSummary(WRITE_OPERATIONS[request.method], endpoint.resource_id, body)
    return RequestSummary(name, query=str(body.get("filter", "")) if isinstance(body, dict) else "")


def _count_retries(deadline: Deadline) -> dict[str, int]:
    """Return the number of retries for each field of :data:`RETRY_LOG_FIELDS`. Omit fields that are zero."""
    counts = {field: deadline.retry_causes.count(cause) for cause, field in RETRY_LOG_FIELDS.items()}
    return {field: count for field, count in counts.items() if count}


def _build_internal_error(request_id: str) -> InternalError:
    return InternalError(f"The service had an internal error. Give the request id {request_id} to support.")


def _error_response(error: ScimError) -> Response:
    return Response(error.status, encode_json(error.to_message()), error.headers)
