"""The errors of calls to AWS, whichever client makes the call, and their classification.

A client raises nothing else if a call fails. Only :mod:`scim.aws.botocore_client` knows the exceptions of botocore.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

THROTTLING_CODES = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottlingError"}
)
_EXPIRED_CREDENTIALS_CODES = frozenset({"ExpiredToken", "ExpiredTokenException"})
_CREDENTIALS_NOT_LOADED_CODE = "CredentialRetrievalError"
_OUTCOME_UNKNOWN_CODES = frozenset({"InternalServerError", "ServiceUnavailable", "TransactionInProgressException"})


class AwsError(Exception):
    """A call to AWS failed.

    ``operation`` is the name of the operation, such as ``GetItem``. ``code`` says why it failed.
    """

    _TEXT: ClassVar[str] = "{operation} failed with {code}: {message}"

    def __init__(self, operation: str, code: str, message: str = "") -> None:
        super().__init__(operation, code, message)
        self.operation = operation
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self._TEXT.format(operation=self.operation, code=self.code, message=self.message).removesuffix(": ")


class ErrorResponse(AwsError):
    """AWS responded with an error.

    ``code`` is the error code of AWS, such as ``ResourceNotFoundException``, and ``status`` is the HTTP status code.
    ``cancellation_reasons`` has an object for each action of a cancelled transaction. ``item`` is the stored item if a
    condition failed and the call asked for the item. ``message`` may contain personal data.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        cancellation_reasons: Sequence[Mapping[str, Any]] = (),
        item: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(operation, code, message)
        self.status = status
        self.cancellation_reasons = cancellation_reasons
        self.item = item


class NoResponse(AwsError):
    """No whole response arrived: the connection failed, or the response was late, incomplete or damaged.

    AWS may have executed the call. ``code`` names the cause, such as ``ReadTimeoutError``.
    """

    _TEXT = "No response to {operation} ({code}): {message}"


class CallNotSent(AwsError):
    """The call was not sent, for example because there are no credentials. ``code`` names the cause."""

    _TEXT = "{operation} was not sent ({code}): {message}"


def is_outcome_unknown(error: AwsError) -> bool:
    """Return whether it is unknown if the call has taken effect."""
    if isinstance(error, ErrorResponse):
        return error.status >= 500 or error.code in _OUTCOME_UNKNOWN_CODES
    return isinstance(error, NoResponse)


def is_refused_for_now(error: AwsError) -> bool:
    """Return whether the call has had no effect and can be repeated later.

    It was throttled, or the credentials had expired or could not be loaded.
    """
    if isinstance(error, ErrorResponse):
        return error.code in THROTTLING_CODES | _EXPIRED_CREDENTIALS_CODES
    return isinstance(error, CallNotSent) and error.code == _CREDENTIALS_NOT_LOADED_CODE


def can_be_repeated(error: AwsError) -> bool:
    """Return whether another attempt of an idempotent call can succeed."""
    return is_outcome_unknown(error) or is_refused_for_now(error)
