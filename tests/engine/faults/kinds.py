"""The kinds of faults that a call to AWS can have, one function for each.

A function gets the :class:`Exchange` of the call. It decides whether the call reaches the service, and what the client
gets. Sources of the error codes: Amazon DynamoDB developer guide, "Error handling with DynamoDB"; API reference,
TransactWriteItems; AWS Secrets Manager API reference, "Common Error Types".
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

TRANSACTION = "TransactWriteItems"
_BATCHES = {"BatchGetItem": ("Responses", "UnprocessedKeys"), "BatchWriteItem": (None, "UnprocessedItems")}

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 2.0
"""The time-outs of the clients (:mod:`scim.aws.config`), which pass on the clock of the deadlines."""
_PAST_DEADLINE_S = 1_000.0


@dataclass(frozen=True)
class Reply:
    """The reply of a service. ``checksum`` is the CRC32 in its header, ``None`` for no such header."""

    status: int
    body: bytes
    checksum: int | None = None
    content_type: str = "application/x-amz-json-1.0"
    location: str | None = None


class Exchange(Protocol):
    """One call, as the proxy sees it."""

    operation: str
    body: bytes

    @property
    def is_dynamodb(self) -> bool: ...

    def forward(self) -> Reply:
        """Let the service execute the call, and return its reply."""

    def send(self, reply: Reply) -> None:
        """Send a reply to the client."""

    def send_half(self, reply: Reply) -> None:
        """Send the header fields and half of the body. Then close the connection."""

    def close(self, *, is_reset: bool = False) -> None:
        """Close the connection without a reply."""

    def time_out(self) -> None:
        """Let the client's read time out, and close the connection."""

    def advance_clock(self, seconds: float) -> None:
        """Let time pass for the deadline of the request."""


class FaultKind(StrEnum):
    """The kinds of faults. The values are the rows of the summary."""

    CONNECTION_REFUSED = "connection refused"
    CONNECT_TIMEOUT = "connect time-out"
    KEPT_CONNECTION_CLOSED = "kept connection closed"
    CONNECTION_RESET = "connection reset"
    READ_TIMEOUT = "read time-out, not executed"
    READ_TIMEOUT_AFTER_EXECUTION = "read time-out, executed"
    REPLY_LOST = "reply lost"
    HALF_REPLY = "half a reply"
    WRONG_CHECKSUM = "wrong checksum"
    TRUNCATED_BODY = "truncated body"
    NOT_JSON = "body is not JSON"
    REDIRECT = "redirect (307)"
    INTERNAL_ERROR = "error 500, not executed"
    INTERNAL_ERROR_AFTER_EXECUTION = "error 500, executed"
    SERVICE_UNAVAILABLE = "error 503"
    THROTTLED = "throttled"
    CAPACITY_EXCEEDED = "capacity exceeded"
    UNPROCESSED = "batch not processed"
    TRANSACTION_THROTTLED = "transaction throttled"
    TRANSACTION_CAPACITY_EXCEEDED = "transaction: capacity exceeded"
    TRANSACTION_CONFLICT = "transaction conflict"
    TRANSACTION_IN_PROGRESS = "transaction in progress, not executed"
    TRANSACTION_IN_PROGRESS_AFTER_EXECUTION = "transaction in progress, executed"
    EXPIRED_CREDENTIALS = "expired credentials"
    DEADLINE = "deadline reached"
    DEADLINE_WITH_THROTTLING = "deadline reached, throttled"
    DEADLINE_WITH_LOST_REPLY = "deadline reached, reply lost"

    @property
    def is_at_connection(self) -> bool:
        """Whether the fault happens before the client sends the call."""
        return self in (FaultKind.CONNECTION_REFUSED, FaultKind.CONNECT_TIMEOUT, FaultKind.KEPT_CONNECTION_CLOSED)

    @property
    def is_deadline(self) -> bool:
        """Whether the request has no time left after the fault."""
        return self.value.startswith("deadline")

    def applies_to(self, operation: str) -> bool:
        """Return whether an operation of AWS, such as ``GetItem``, can have this fault."""
        if self is FaultKind.UNPROCESSED:
            return operation in _BATCHES
        if self is FaultKind.TRANSACTION_CONFLICT:
            return operation in (TRANSACTION, "UpdateItem")
        if self.value.startswith("transaction"):
            return operation == TRANSACTION
        is_dynamodb = operation != "GetSecretValue"
        return is_dynamodb or self not in (FaultKind.WRONG_CHECKSUM, FaultKind.CAPACITY_EXCEEDED)


def inject(kind: FaultKind, exchange: Exchange) -> None:
    """Answer a call with a fault."""
    _FAULTS[kind](exchange)


def _reset_connection(exchange: Exchange) -> None:
    exchange.close(is_reset=True)


def _time_out(exchange: Exchange) -> None:
    exchange.time_out()
    exchange.advance_clock(READ_TIMEOUT_S)


def _execute_and_time_out(exchange: Exchange) -> None:
    exchange.forward()
    _time_out(exchange)


def _lose_reply(exchange: Exchange) -> None:
    exchange.forward()
    exchange.close()


def _send_half(exchange: Exchange) -> None:
    exchange.send_half(exchange.forward())


def _alter_body(exchange: Exchange) -> None:
    """Send a body that is valid JSON with a wrong value, and the checksum of the right one."""
    reply = exchange.forward()
    exchange.send(replace(reply, body=_alter_value(reply.body)))


def _alter_value(body: bytes) -> bytes:
    values = list(re.finditer(rb'"S":"[^"\\]*[a-z]"', body))
    if not values:
        return body + b" "
    end = values[-1].end() - 2
    return body[:end] + (b"a" if body[end : end + 1] != b"a" else b"b") + body[end + 1 :]


def _truncate_body(exchange: Exchange) -> None:
    reply = exchange.forward()
    exchange.send(replace(reply, body=reply.body[: len(reply.body) // 2]))


def _send_html(exchange: Exchange) -> None:
    exchange.forward()
    exchange.send(Reply(200, b"<html>It works!</html>", content_type="text/html"))


def _redirect(exchange: Exchange) -> None:
    exchange.send(Reply(307, b"", location="http://127.0.0.1:9/"))


def _fail(exchange: Exchange) -> None:
    code = "InternalServerError" if exchange.is_dynamodb else "InternalServiceError"
    exchange.send(_build_error(exchange, code, 500))


def _execute_and_fail(exchange: Exchange) -> None:
    exchange.forward()
    _fail(exchange)


def _be_unavailable(exchange: Exchange) -> None:
    """Send the reply of a load balancer."""
    exchange.send(Reply(503, b"<html>Service Unavailable</html>", content_type="text/html"))


def _throttle(exchange: Exchange) -> None:
    exchange.send(_build_error(exchange, "ThrottlingException"))


def _exceed_capacity(exchange: Exchange) -> None:
    exchange.send(_build_error(exchange, "ProvisionedThroughputExceededException"))


def _leave_unprocessed(exchange: Exchange) -> None:
    responses, unprocessed = _BATCHES[exchange.operation]
    result = {unprocessed: json.loads(exchange.body)["RequestItems"]} | ({responses: {}} if responses else {})
    exchange.send(build_dynamodb_reply(200, json.dumps(result).encode()))


def _cancel(code: str) -> Callable[[Exchange], None]:
    """Return a function that cancels a transaction because of its last action."""

    def cancel(exchange: Exchange) -> None:
        if exchange.operation != TRANSACTION:  # UpdateItem
            exchange.send(_build_error(exchange, f"{code}Exception"))
            return
        number = len(json.loads(exchange.body)["TransactItems"])
        reasons: list[dict[str, str]] = [{"Code": "None"} for _ in range(number)]
        reasons[-1] = {"Code": code, "Message": "See the code."}
        codes = ", ".join(reason["Code"] for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        exchange.send(
            _build_error(exchange, "TransactionCanceledException", Message=message, CancellationReasons=reasons)
        )

    return cancel


def _report_in_progress(exchange: Exchange) -> None:
    exchange.send(_build_error(exchange, "TransactionInProgressException"))


def _execute_and_report_in_progress(exchange: Exchange) -> None:
    exchange.forward()
    _report_in_progress(exchange)


def _reject_credentials(exchange: Exchange) -> None:
    exchange.send(_build_error(exchange, "ExpiredTokenException"))


def _pass_deadline(fault: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    def pass_deadline(exchange: Exchange) -> None:
        exchange.advance_clock(_PAST_DEADLINE_S)
        fault(exchange)

    return pass_deadline


def _reply(exchange: Exchange) -> None:
    exchange.send(exchange.forward())


def _build_error(exchange: Exchange, code: str, status: int = 400, **members: Any) -> Reply:
    if exchange.is_dynamodb:
        error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "A message."} | members
        return build_dynamodb_reply(status, json.dumps(error).encode())
    return Reply(status, json.dumps({"__type": code, "Message": "A message."}).encode())


def build_dynamodb_reply(status: int, body: bytes) -> Reply:
    """Return a reply of DynamoDB, which has a checksum."""
    return Reply(status, body, zlib.crc32(body))


_FAULTS: dict[FaultKind, Callable[[Exchange], None]] = {
    FaultKind.CONNECTION_RESET: _reset_connection,
    FaultKind.READ_TIMEOUT: _time_out,
    FaultKind.READ_TIMEOUT_AFTER_EXECUTION: _execute_and_time_out,
    FaultKind.REPLY_LOST: _lose_reply,
    FaultKind.HALF_REPLY: _send_half,
    FaultKind.WRONG_CHECKSUM: _alter_body,
    FaultKind.TRUNCATED_BODY: _truncate_body,
    FaultKind.NOT_JSON: _send_html,
    FaultKind.REDIRECT: _redirect,
    FaultKind.INTERNAL_ERROR: _fail,
    FaultKind.INTERNAL_ERROR_AFTER_EXECUTION: _execute_and_fail,
    FaultKind.SERVICE_UNAVAILABLE: _be_unavailable,
    FaultKind.THROTTLED: _throttle,
    FaultKind.CAPACITY_EXCEEDED: _exceed_capacity,
    FaultKind.UNPROCESSED: _leave_unprocessed,
    FaultKind.TRANSACTION_THROTTLED: _cancel("ThrottlingError"),
    FaultKind.TRANSACTION_CAPACITY_EXCEEDED: _cancel("ProvisionedThroughputExceeded"),
    FaultKind.TRANSACTION_CONFLICT: _cancel("TransactionConflict"),
    FaultKind.TRANSACTION_IN_PROGRESS: _report_in_progress,
    FaultKind.TRANSACTION_IN_PROGRESS_AFTER_EXECUTION: _execute_and_report_in_progress,
    FaultKind.EXPIRED_CREDENTIALS: _reject_credentials,
    FaultKind.DEADLINE: _pass_deadline(_reply),
    FaultKind.DEADLINE_WITH_THROTTLING: _pass_deadline(_throttle),
    FaultKind.DEADLINE_WITH_LOST_REPLY: _pass_deadline(_lose_reply),
}
