"""The search over all customers for a person or a request."""

from __future__ import annotations

from urllib.parse import quote

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.audit_log.log_query import build_query
from handlers.console.response import BASE, ConsoleResponse
from scim.service.audit.log_filter import LogFilter
from scim.service.model.audit.person_match import Match
from scim.service.model.identifiers import MAX_IDENTIFIER_LENGTH
from scim.service.model.tenant import TENANT_ID_PATTERN


def show_search(context: ConsoleRequestContext) -> ConsoleResponse:
    """Return the page with a card for each person who matches. Only for operators."""
    context.require_operator()
    parameters = context.request.query_parameters
    text = parameters.get("q", "").strip()[:MAX_IDENTIFIER_LENGTH]
    after = parameters.get("after", "")
    search = context.administration.build_customer_search(lambda _, fault: _report(context, fault))
    result = search.search(text, after if TENANT_ID_PATTERN.fullmatch(after) else "")
    return context.render_page(
        "search.html",
        result=result,
        searched_text=text,
        build_person_path=build_person_path,
        build_request_path=build_request_path,
        after=after,
    )


def build_person_path(match: Match, request_id: str) -> str:
    """Return the path of the page of a person at a tenant; for a request without a person, of its log entries."""
    tenant_path = f"{BASE}/tenants/{match.tenant_id}"
    if match.user_id:
        return f"{tenant_path}/users/{match.user_id}"
    return (
        f"{tenant_path}/users?search={quote(match.identifier)}"
        if match.identifier
        else build_request_path(match.tenant_id, request_id)
    )


def build_request_path(tenant_id: str, request_id: str) -> str:
    """Return the path of the log entries of a request."""
    return f"{BASE}/tenants/{tenant_id}/log?{build_query(LogFilter(request_id=request_id))}"


def _report(context: ConsoleRequestContext, fault: Exception) -> None:
    """Log why a part of a tenant could not be read."""
    context.report_fault(fault.__cause__ if isinstance(fault.__cause__, Exception) else fault)
