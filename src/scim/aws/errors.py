"""Classify errors of calls to AWS: whether the call may have taken effect, and whether it was throttled."""

from __future__ import annotations

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

THROTTLING_CODES = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottlingError"}
)
_OUTCOME_UNKNOWN_CODES = frozenset({"InternalServerError", "ServiceUnavailable", "TransactionInProgressException"})

NO_RESPONSE_ERRORS = (BotocoreConnectionError, HTTPClientError)
"""The errors if no response arrived: the connection failed, or it was closed too early."""

CALL_ERRORS = (ClientError, *NO_RESPONSE_ERRORS)
"""All errors of a call: AWS responded with an error, or no response arrived."""


def get_error_code(error: ClientError) -> str:
    """Return the error code of AWS, such as ``ResourceNotFoundException``."""
    return str(error.response["Error"]["Code"])


def is_outcome_unknown(error: Exception) -> bool:
    """Return whether it is unknown if the call has taken effect."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or get_error_code(error) in _OUTCOME_UNKNOWN_CODES
    return isinstance(error, NO_RESPONSE_ERRORS)


def is_throttled(error: Exception) -> bool:
    """Return whether the call was throttled. It has had no effect and can be repeated later."""
    return isinstance(error, ClientError) and get_error_code(error) in THROTTLING_CODES
