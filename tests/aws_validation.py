"""Each request of a test is held to what AWS refuses (``local.validation``), whatever engine answers it."""

from local.validation import Violation
from local.validation.clients import build_client_error, validate_clients


class RejectedByAws(Exception):
    """The code has sent what DynamoDB refuses. Nothing in the code expects it, so that no test can overlook it."""


def validate_requests() -> None:
    """Hold the requests of all clients to the rules that are made from now on."""
    validate_clients(_refuse)


def _refuse(operation: str, violation: Violation) -> Exception:
    """What DynamoDB refuses is a defect. What SQS and EventBridge refuse depends on data: the code deals with it."""
    if violation.code == "ValidationException" and operation != "PutEvents":
        return RejectedByAws(f"{operation}: {violation.message}")
    return build_client_error(operation, violation)
