"""All requests of tests are checked for errors that AWS would report (``local.validation``), with any engine."""

from local.validation import Violation
from local.validation.clients import build_client_error, validate_clients


class RejectedByAws(Exception):
    """A request that DynamoDB would reject. The code never catches this error, so the test fails."""


def validate_requests() -> None:
    """Validate the requests of all clients that are created from now on."""
    validate_clients(_build_error)


def _build_error(operation: str, violation: Violation) -> Exception:
    """Return the error to raise: a defect for DynamoDB. SQS and EventBridge errors depend on data and are handled."""
    if violation.code == "ValidationException" and operation != "PutEvents":
        return RejectedByAws(f"{operation}: {violation.message}")
    return build_client_error(operation, violation)
