"""The page of a tenant's audit log."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import ConsoleResponse, PageError
from scim.service.audit.log_entries import LogEntry
from scim.service.console.invitations import guest_actor
from scim.service.model.audit.log_record import LogPosition
from scim.service.model.tenant import Tenant

_PAGE_SIZE = 50
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def show_log(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return a page of the log; with the parameter ``failures``, only failures and requests that were partly ignored.

    The parameter ``before`` is the position of the last entry of the preceding page.
    """
    only_failures = "failures" in context.request.query_parameters
    before = context.request.query_parameters.get("before")
    entries, last_position = context.administration.build_audit_log(tenant).list_entries(
        _decode_position(before) if before else None, count=_PAGE_SIZE, only_failures=only_failures
    )
    older = "" if last_position is None else _encode_position(last_position)
    visible_entries = [_describe_actor(context, tenant, entry) for entry in entries]
    return context.render_page(
        "log.html", tenant=tenant.id, entries=visible_entries, older=older, only_failures=only_failures, section="log"
    )


def _describe_actor(context: ConsoleRequestContext, tenant: Tenant, entry: LogEntry) -> LogEntry:
    """Return the entry with a readable actor. Only operators see which operator it was."""
    if entry.actor == guest_actor(tenant.id):
        return replace(entry, actor="IT admin")
    return entry if context.is_operator or not entry.actor else replace(entry, actor="the operator")


def _encode_position(position: LogPosition) -> str:
    """Return a position as text for a link. A changed link can only show other entries of the same log."""
    return urlsafe_b64encode("\n".join((position.at, position.partition, position.sort)).encode()).decode()


def _decode_position(text: str) -> LogPosition:
    """Return the position that a link holds. Raise :class:`PageError` if it is malformed."""
    try:
        at, partition, sort = urlsafe_b64decode(text).decode().split("\n", 2)
    except ValueError:
        at = partition = sort = ""
    if not _RFC3339.fullmatch(at):
        raise PageError(HTTPStatus.BAD_REQUEST, "The link to older entries is incomplete. Open the audit log again.")
    return LogPosition(at, partition, sort)
